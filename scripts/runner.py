"""Processes on a developer's machine: servers and programs, their environment and order."""

import hashlib
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from scripts.binaries import find_postgres
from scripts.environment import (
    FRONTEND,
    ROOT,
    UNREAD_SECRETS,
    UsageError,
    data_folder,
    port_from,
    private_folder,
    settings_for_children,
)
from scripts.modules import ModuleProgram, module_programs
from scripts.node import node_environment
from scripts.processes import free_port, port_is_free
from scripts.services import Postgres, Service, Valkey
from scripts.state import RunState
from scripts.supervisor import Program, Supervisor

HOST = "127.0.0.1"
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "backend_django.config.celery_app"]
MANAGE = [sys.executable, "manage.py"]
FREE_BYTES = 200 << 20
READY_SECONDS = 60
# What another command needs to meet the same data as the running stack.
SHARED = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "MEDIA_ROOT", "PROCESSING_WORK_DIR",
          "PG_BIN")  # fmt: skip


class Stack:
    """Settings, servers and environment of one data folder."""

    def __init__(self) -> None:
        self.settings = settings_for_children()
        self.data = data_folder(self.settings)
        self.state = RunState(self.data)
        self.postgres = (
            None if self.settings.get("DATABASE_URL") else Postgres(self.data / "postgres")
        )
        self.valkey = None if self.settings.get("REDIS_URL") else Valkey(self.data / "valkey")

    @property
    def services(self) -> list[Service]:
        return [service for service in (self.postgres, self.valkey) if service]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of every program. The servers must be up: it names their ports."""
        folders = {"MEDIA_ROOT": self.data / "media", "PROCESSING_WORK_DIR": self.data / "work"}
        for folder in (*folders.values(), self.data / "mail"):
            private_folder(folder).chmod(0o700)  # earlier releases made some for everybody
        defaults = {
            "DJANGO_SETTINGS_MODULE": "backend_django.config.settings.local",
            "APP_ENVIRONMENT": "local",
            "APP_COMMIT": commit(),
            "PROCESSING_STOP_GRACE_SECONDS": "5",  # Ctrl-C must not take long; work is given back
            **{name: str(folder) for name, folder in folders.items()},
        }
        if self.postgres:
            defaults["DATABASE_URL"] = self.postgres.url
            defaults["PG_BIN"] = str(find_postgres())
        if self.valkey:
            defaults["REDIS_URL"] = self.valkey.url
        fixed = {"PYTHONUNBUFFERED": "1", "HOST": HOST, **more}
        return {**defaults, **self.settings, **fixed}

    def check_disk(self) -> None:
        private_folder(self.data)
        if self.data == ROOT / ".data":
            self.data.chmod(0o700)
        if (free := shutil.disk_usage(self.data).free) < FREE_BYTES:
            raise UsageError(
                f"The disk is full: {free >> 20} MB are free where {self.data} is,"
                f" {FREE_BYTES >> 20} MB are needed to run. Free some space and try again."
            )


def commit() -> str:
    """The commit that is checked out; empty outside a git work tree."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return ""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


class Runner:
    """`run` and `dev`: what is started when, and what the person is told."""

    def __init__(self, stack: Stack, *, dev: bool, quiet: bool) -> None:
        self.stack, self.dev, self.quiet = stack, dev, quiet
        self.port = port_from(stack.settings, "PORT", 5000)
        self.modules = {
            module: port_from(stack.settings, *module.port) for module in module_programs()
        }
        self.taken: dict[ModuleProgram, int] = {}
        self.url = f"http://{HOST}:{self.port}"
        self.django_port = free_port() if dev else self.port
        self.started = time.monotonic()
        self.name = tomllib.loads((ROOT / "project.toml").read_text())["name"]
        self.rest_started = False

    def run(self) -> int:
        stack = self.stack
        if not stack.state.acquire():
            self._refuse_a_second()
        self._check_port()
        self._move_modules()
        links = ",".join(
            f"{module.name.capitalize()}=http://{HOST}:{port}"
            for module, port in self.modules.items()
        )
        of_modules = {"STAFF_LINKS": stack.settings.get("STAFF_LINKS", links)}
        for module, port in self.modules.items():
            own = {module.port[0]: str(port)}
            of_modules |= module.environment(stack.settings | own) | own
        stack.check_disk()
        self.supervisor = Supervisor(stack.services)
        names = (
            ["vite", "web"],
            ["worker", "short", "beat", *(module.name for module in self.modules)],
        )
        self.supervisor.stages = list(names)
        try:
            self.supervisor.start_services()
            self.environment = stack.environment(
                PORT=str(self.django_port),
                **of_modules,
                # In front of the server is Vite, at another port.
                **({"DJANGO_DEBUG": "1", "SITE_URL": self.url} if self.dev else {}),
            )
            self._publish(ready=False)
            self._set_up()
        except BaseException:
            self.supervisor.stop(1)
            self.supervisor.run()
            raise
        try:
            return self.supervisor.run()
        finally:
            stack.state.clear()

    def check(self) -> None:
        """Refuse what could not start, before anything is installed for it.

        Raises:
            UsageError: it runs already, or the port of the page is another program's.
        """
        if self.stack.state.read():
            self._refuse_a_second()
        self._check_port()

    def _refuse_a_second(self) -> NoReturn:
        running = self.stack.state.read() or {}
        raise UsageError(
            f"Already running at {running.get('url', 'another address')} (process"
            f" {running.get('pid', 'unknown')}): use that one, or stop it first."
        )

    def _check_port(self) -> None:
        if not port_is_free(self.port, HOST):
            raise UsageError(
                f"Port {self.port} is taken by another program: choose a free one, for example"
                f" `PORT=8080 make {'dev' if self.dev else 'run'}`."
            )

    def _move_modules(self) -> None:
        """Take other ports for what is beside the product and finds its own taken."""
        for module, port in self.modules.items():
            if not port_is_free(port, HOST):
                self.modules[module] = free_port()
                self.taken[module] = port

    def _publish(self, *, ready: bool) -> None:
        shared = {name: self.environment[name] for name in SHARED if name in self.environment}
        mode = "dev" if self.dev else "run"
        self.stack.state.write(mode=mode, url=self.url, ready=ready, environment=shared)

    def _add(self, name: str, *command: str, **options: Any) -> None:
        environment = options.pop("environment", self.environment)
        if options.get("pulse_seconds"):  # it shows that it lives
            options["pulse"] = self.stack.state.folder / f"pulse-{name}"
            environment = {**environment, "PULSE_FILE": str(options["pulse"])}
        cwd, delay = options.pop("cwd", ROOT), options.pop("delay", 0)
        program = Program(name, list(command), environment, cwd, **options)
        program.gives_up = not self.dev  # there the next edit may be the cure
        self.supervisor.add(program, delay)

    # First the database, then web, then everything that would compete with it for the processor

    def _set_up(self) -> None:
        postgres = self.stack.postgres
        stamp = postgres.cluster / "setup-done" if postgres else None
        wanted = setup_inputs(self.environment)
        if stamp and stamp.exists() and stamp.read_text() == wanted:
            self._start_web(first=False)
            return

        def then(code: int) -> None:
            if code:
                self.supervisor.stop(1)
                return
            first = stamp is not None and not stamp.exists()
            if stamp:
                stamp.write_text(wanted)
            self._start_web(first=first)

        self._add("setup", *MANAGE, "setup", once=True, then=then)

    def _start_web(self, *, first: bool) -> None:
        if self.dev:
            address = f"{HOST}:{self.django_port}"
            self._add("web", *MANAGE, "runserver_plus", address, stop_seconds=3)
            vite = {"DJANGO_DEV_URL": f"http://{address}", "VITE_HOST": HOST}
            environment = node_environment(
                {**self.environment, **vite, "VITE_PORT": str(self.port)}
            )
            self._add("vite", "npm", "run", "dev", cwd=FRONTEND, environment=environment)
        else:
            wsgi = "backend_django.config.wsgi:application"
            gunicorn = ["-m", "gunicorn", "-c", "backend_django/config/gunicorn.py"]
            self._add("web", sys.executable, *gunicorn, "--no-control-socket", wsgi,
                      pulse_seconds=20)  # fmt: skip
        if first:
            self._add("samples", *MANAGE, "submit_samples", once=True)
        threading.Thread(target=self._wait_until_ready, daemon=True).start()

    def _wait_until_ready(self) -> None:
        """In a thread of its own: tell the loop when web answers, or that it takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if answers(f"http://{HOST}:{self.django_port}/health/ready") and (
                not self.dev or not port_is_free(self.port, HOST)
            ):
                self.supervisor.call_soon(self._on_ready)
                return
            time.sleep(0.05)
        self.supervisor.call_soon(self._on_late)

    def _start_rest(self) -> None:
        if self.rest_started:
            return
        self.rest_started = True
        # the only ones on their broker, they have no neighbours to look for
        worker = [*CELERY, "worker", "--without-mingle", "--without-gossip", "--hostname"]
        short = ["short@%h", "--queues", "short,default,maintenance", "--concurrency", "1"]
        # They write links, and nobody's request tells them where we are.
        told = {"SITE_URL": self.url, **self.environment}
        options: dict[str, Any] = {"environment": told, "stop_seconds": 15, "pulse_seconds": 45}
        self._add("worker", *worker, "worker@%h", **options)
        self._add("short", *worker, *short, **options)
        self._add("beat", *CELERY, "beat", "--pidfile=", stop_seconds=10, pulse_seconds=45)
        for module in self.modules:
            # it asks the worker what it can do, once, so the worker should be there
            self._add(module.name, sys.executable, "-m", *module.command, stop_seconds=15,
                      delay=4, pulse_seconds=45)  # fmt: skip
        if self.dev:
            threading.Thread(target=self._restart_on_change, daemon=True).start()

    def _on_late(self) -> None:
        self.supervisor.say(f"web does not answer yet after {READY_SECONDS} s; see its lines above")
        self._start_rest()

    def _on_ready(self) -> None:
        self._start_rest()
        self._publish(ready=True)
        settings, say = self.stack.settings, self.supervisor.say
        account = settings.get("DJANGO_SUPERUSER_EMAIL", "an account of your own")
        known = "password in .env (DJANGO_SUPERUSER_PASSWORD)"
        if UNREAD_SECRETS.exists() and not self.quiet:
            known = f"password {settings.get('DJANGO_SUPERUSER_PASSWORD')} (kept in .env)"
            UNREAD_SECRETS.unlink()
        lines = [
            "",
            f"{self.name} is ready after {time.monotonic() - self.started:.1f} s",
            f"  page     {self.url}{settings.get('BASE_PATH', '')}",
            f"  sign in  {account}, {known}",
            *(
                f"  {module.name:<8} http://{HOST}:{port} ({module.words}"
                + (f"; {self.taken[module]} is taken)" if module in self.taken else ")")
                for module, port in self.modules.items()
            ),
            "  stop     Ctrl-C",
            "",
        ]
        say("\n".join(lines), colour=32)

    def _restart_on_change(self) -> None:
        from watchfiles import PythonFilter, watch

        for changes in watch(*ROOT.glob("backend_*"), watch_filter=PythonFilter()):
            paths = ", ".join(sorted({str(Path(path).relative_to(ROOT)) for _, path in changes}))
            restart = partial(self._restart, f"{paths} changed: what does not reload starts again")
            self.supervisor.call_soon(restart)

    def _restart(self, why: str) -> None:
        self.supervisor.say(why)
        for name in ("worker", "short", "beat", *(module.name for module in self.modules)):
            self.supervisor.restart(name)


def setup_inputs(environment: dict[str, str]) -> str:
    """Hash of everything that decides what `manage.py setup` would do."""
    backend = ROOT / "backend_django"
    patterns = (
        *("*/migrations/*.py", "*/models.py", "*/apps.py", "*/fixtures/*.json"),
        "config/settings/**/*.py",
    )
    files = [path for pattern in patterns for path in backend.glob(pattern)]
    files += [*backend.glob("site_config/**/*.py"), *ROOT.glob("fixtures/*")]
    files += [*ROOT.glob("requirements/**/local.txt")]
    total = hashlib.sha256()
    for path in sorted(filter(Path.is_file, files)):
        total.update(str(path).encode() + path.read_bytes())
    for name in ("DJANGO_SETTINGS_MODULE", "DJANGO_SUPERUSER_EMAIL", "DJANGO_SUPERUSER_PASSWORD"):
        total.update(f"{name}={environment.get(name)}\0".encode())
    return total.hexdigest()


def answers(url: str) -> bool:
    """Return whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
