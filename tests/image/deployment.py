"""production.yml, brought up by the commands of docs/deploy.md in a folder of its own."""

import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from scripts.processes import free_port
from tests.guide import commands, files
from tests.image.engine import IMAGE, docker, image, run
from tests.image.modules import additions
from tests.stack import ROOT, Api, wait_for
from tests.test_roles import roles

HOST = "www.example.org"
ROLES = list(roles())
# Each has what URLs, shells, compose and django-environ take for something of their own.
PASSWORDS = {
    "postgres_password": "$p'a\"ss @#$HOME%41 &*/:? word+\\ é",
    "redis_password": "$r'e\"d s@#$HOME%41 &*/:? word+\\ é",
    "django_superuser_password": "$tr@nge 'quo\"ted' #100% pass",
}
for added in additions("PASSWORDS"):
    PASSWORDS |= added


class Deployment:
    """One compose project; `settings` are lines of production.env.

    Raises AssertionError with compose's output when a command fails.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        image()
        self.folder, self.port, self.https_port = folder, free_port(), free_port()
        self.project = f"app-test-{secrets.token_hex(3)}"
        self.settings = {"IMAGE": IMAGE, "PROJECT": self.project, "WEB_PORT": str(self.port)}
        self.settings |= {"HTTPS_PORT": str(self.https_port), "HTTP_PORT": str(free_port())}
        self.settings |= {"HTTPS_ADDRESS": "127.0.0.1"} | settings
        for name in files():  # what the guide names, and nothing else
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name in {"PATH", "HOME"} or name.startswith("DOCKER_")
        }
        self.guide("secrets", "settings", "certificate")
        self.example = (folder / "production.env").read_text()
        for name, password in PASSWORDS.items():
            (folder / "secrets" / name).write_text(password + "\n")
        self.configure()

    def configure(self, **settings: str) -> None:
        """Write production.env: the examples' lines, with the settings at the end."""
        self.settings |= settings
        lines = [f"{name}={value}" for name, value in self.settings.items()]
        text = self.example + "\n".join(lines) + "\n"
        (self.folder / "production.env").write_text(text)

    def guide(self, *names: str) -> str:
        """Run blocks of docs/deploy.md, one after the other in one shell."""
        code = "\n".join(commands(name) for name in names)
        return self._run("bash", "-euo", "pipefail", "-c", code)

    def compose(self, *arguments: str) -> str:
        return self._run("docker", "compose", *arguments)

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What compose does when it may fail."""
        return run("docker", "compose", *arguments, check=False, **self._options())

    def _run(self, *command: str) -> str:
        return run(*command, **self._options()).stdout

    def _options(self) -> dict[str, Any]:
        compose = {"COMPOSE_FILE": "production.yml", "COMPOSE_ENV_FILES": "production.env"}
        return {"cwd": self.folder, "env": self.environment | compose}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.attempt("--profile", "*", "down", "--volumes", "--timeout", "5")

    def container(self, service: str) -> str:
        """The id of the service's container."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(docker("inspect", self.container(service)))[0]
        return found

    def address(self, service: str) -> str:
        """Where this machine, and nobody else, reaches a container that publishes nothing."""
        networks = self.inspect(service)["NetworkSettings"]["Networks"]
        return str(networks[f"{self.project}_outside"]["IPAddress"])

    def wait_healthy(self, *services: str) -> None:
        for service in services:
            wait_for(
                lambda service=service: (
                    self.inspect(service)["State"]["Health"]["Status"] == "healthy"
                ),
                seconds=90,
                what=f"{service} is healthy",
            )

    def sql(self, query: str) -> list[str]:
        """Ask the database itself; one string a row."""
        psql = ["psql", "--username=app", "--no-align", "--tuples-only", "--command", query]
        return docker("exec", self.container("postgres"), *psql).splitlines()

    def api(self, port: int | None = None) -> Api:
        """A client that comes as through a proxy that ended TLS."""
        client = Api(f"http://127.0.0.1:{port or self.port}")
        client.headers.update({"Host": HOST, "X-Forwarded-Proto": "https"})
        return client

    def check_confined(self, service: str, uid: str) -> None:
        """Assert that a container of an image of others runs as that user, and may do little."""
        container, host = self.container(service), self.inspect(service)["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["Memory"] > 0
        status = docker("exec", container, "cat", "/proc/1/status")
        found = dict(re.findall(r"(?m)^(\w+):\s+(\S+)", status))
        assert found["Uid"] == uid
        assert (int(found["CapEff"], 16), found["NoNewPrivs"]) == (0, "1")

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Knows the certificate of nginx."""
        return ssl.create_default_context(cafile=self.folder / "secrets/certificates/fullchain.pem")

    def https(self) -> Api:
        """A client that comes through nginx."""
        client = Api(f"https://localhost:{self.https_port}", verify=self.trusted)
        client.headers["Referer"] = str(client.base_url)
        return client

    @contextmanager
    def signed_in(self, client: Api | None = None) -> Iterator[Api]:
        with client or self.api() as client:
            client.sign_in("admin@example.org", PASSWORDS["django_superuser_password"])
            yield client
