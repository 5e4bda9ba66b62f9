"""What a container service does: the image alone, without compose, told by environment only."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from scripts.processes import free_port
from tests.guide import commands
from tests.image.deployment import HOST, PASSWORDS
from tests.image.engine import IMAGE, docker, image, run
from tests.image.modules import additions
from tests.stack import Api, wait_for

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]
ADDED = additions("SERVICE")
CODE = "".join([commands("service"), *(code for _, code in ADDED)])
NAMES = re.findall(r"--name (\S+)", CODE)
ADMIN = ("admin@example.org", "correct horse battery staple")


@pytest.fixture
def prefix() -> Iterator[str]:
    """Prefix of the containers, and name of the network, of this test."""
    made = f"app-test-{secrets.token_hex(3)}"
    image()
    docker("network", "create", made)
    try:
        yield made
    finally:
        names = [f"{made}-{name}" for name in (*NAMES, "postgres", "redis")]
        docker("rm", "--force", "--volumes", *names, check=False)
        docker("volume", "rm", f"{made}-files", check=False)
        docker("network", "rm", made, check=False)


def test_containers_of_one_image(prefix: str, tmp_path: Path) -> None:
    password = PASSWORDS["postgres_password"]
    quoted = quote(password, safe="")
    docker(
        "run", "--detach", "--name", f"{prefix}-postgres", "--network", prefix,
        "--env", f"POSTGRES_PASSWORD={password}", "postgres:17",
    )  # fmt: skip
    docker("run", "--detach", "--name", f"{prefix}-redis", "--network", prefix, "redis:8")
    ready = ["docker", "exec", f"{prefix}-postgres", "pg_isready", "--host=127.0.0.1"]
    wait_for(
        lambda: run(*ready, check=False).returncode == 0, seconds=120, what="PostgreSQL is ready"
    )
    settings = {
        "DJANGO_ALLOWED_HOSTS": HOST,
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(64),
        "DJANGO_SUPERUSER_EMAIL": ADMIN[0],
        "DJANGO_SUPERUSER_PASSWORD": ADMIN[1],
        "DATABASE_URL": f"postgresql://postgres:{quoted}@{prefix}-postgres/postgres",
        "REDIS_URL": f"redis://{prefix}-redis:6379/0",
    }
    for added, _ in ADDED:
        settings |= added
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    (tmp_path / "service.env").write_text(lines)
    code = (
        CODE.replace("--name ", f"--name {prefix}-")
        .replace("app-files", f"{prefix}-files")
        .replace(" app /start", f" {IMAGE} /start")
    )
    port = free_port()
    environment = {"NETWORK": prefix, "PORT": str(port)}
    run(
        "env", *(f"{name}={value}" for name, value in environment.items()),
        "bash", "-euo", "pipefail", "-c", code, cwd=tmp_path,
    )  # fmt: skip
    for name in NAMES:  # each by the image's own health check
        container = f"{prefix}-{name}"
        wait_for(lambda c=container: healthy(c), seconds=180, what=f"{name} is healthy")
    with Api(f"http://127.0.0.1:{port}") as api:
        api.headers.update({"Host": HOST, "X-Forwarded-Proto": "https"})
        api.sign_in(*ADMIN)
        assert api.get("auth/user/").json()["email"] == ADMIN[0]


def healthy(container: str) -> bool:
    state = docker("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", container)
    if state.startswith("exited"):
        logs = run("docker", "logs", "--tail", "20", container)
        raise AssertionError(f"{container} has ended:\n{logs.stdout}{logs.stderr}")
    return state == "running healthy"
