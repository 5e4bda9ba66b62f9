"""The whole product as real processes, for tests that meet it as a user does: over HTTP."""

import contextlib
import fcntl
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from scripts.processes import dies_with_parent, free_port, last_lines

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
ADMIN = {"email": "admin@example.org", "password": "correct horse battery staple"}


def wait_for(look: Callable[..., T], *, seconds: float = 30, what: str = "") -> T:
    """Look again and again until there is something true to see; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what or look}"
        time.sleep(0.05)
    return seen


def migrated_database(name: str) -> str:
    """Make a database that is migrated; return its URL."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template()}"')
    return url_of(name)


def migrated_template() -> str:
    """Return the name of a database to copy; whoever asks first makes it, for all processes."""
    with Path(os.environ["TESTS_SCRATCH"], "template").open("a") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        if not made.seek(0, os.SEEK_END):
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                connection.execute("CREATE DATABASE template_migrated")
            environment = os.environ | {"DATABASE_URL": url_of("template_migrated")}
            for command in ("migrate", "createcachetable"):
                subprocess.run(
                    [sys.executable, "manage.py", command, "--verbosity=0"],
                    cwd=ROOT, env=environment, check=True,
                )  # fmt: skip
            made.write("made")
    return "template_migrated"


def url_of(database: str) -> str:
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{database}"


class Stack:
    """Web, worker and beat on a database and storage of their own."""

    root = ROOT  # whose programs they are

    commands = {
        "web": ["gunicorn", "-c", "backend_django/config/gunicorn.py", "--no-control-socket",
                "backend_django.config.wsgi:application"],
        "worker": ["celery", "-A", "backend_django.config.celery_app", "worker"],
        "beat": ["celery", "-A", "backend_django.config.celery_app", "beat"],
    }  # fmt: skip

    def __init__(self, directory: Path, database_url: str, **environment: str) -> None:
        self.directory = directory
        self.media = directory / "media"
        self.work = directory / "work"
        self.work.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.mail_port = free_port()  # nobody listens there until a test does (mail_server)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = os.environ | {
            "DATABASE_URL": database_url,
            # a database of the broker of its own, so that no other stack takes its messages
            "REDIS_URL": redis_database(os.environ["REDIS_URL"], next(_databases)),
            "MEDIA_ROOT": str(self.media),
            "PROCESSING_WORK_DIR": str(self.work),
            "PORT": str(self.port),
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "WEB_THREADS": "16",
            # A browser of a test takes seven seconds for 16 MiB on a busy machine.
            "PROCESSING_UPLOAD_CHUNK_BYTES": str(8 * 1024**2),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SUPERUSER_EMAIL": ADMIN["email"],
            "DJANGO_SUPERUSER_PASSWORD": ADMIN["password"],
            **environment,
        }

    def start_process(self, name: str, command: list[str], **environment: str) -> None:
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self.root,
                env=self.environment | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run manage.py; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def forget_attempts(self) -> None:
        """Begin the limits of attempts (sign-in, registration, reset) again."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("DELETE FROM cache")

    def start(self, *names: str) -> None:
        for name in names or self.commands:
            self.start_process(name, self.commands[name])
        if "web" in self.processes:
            wait_for(self._ready, what=f"web is ready\n{last_lines(self.log('web'))}")

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Set up what a new installation has, and run all of it."""
        try:
            self.manage("setup")
            self.start()
            yield self
        finally:
            self.stop()

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def logs(self) -> list[Path]:
        return sorted(self.directory.glob("*.log"))

    def _ready(self) -> bool:
        assert self.processes["web"].poll() is None, last_lines(self.log("web"), 40)
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health/ready").status_code == 200
        return False

    def kill(self, name: str) -> None:
        """End a process and all its children as `kill -9` does."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, *names: str) -> None:
        for name in names or list(self.processes):
            process = self.processes.pop(name)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @contextlib.contextmanager
    def client(
        self, email: str = ADMIN["email"], password: str = ADMIN["password"]
    ) -> Iterator["Api"]:
        with Api(self.url) as api:
            api.sign_in(email, password)
            yield api


def redis_database(url: str, number: int) -> str:
    """Return the address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


# pytest's own processes have those below 10, and the stacks of each of them 30 above.
_databases = itertools.count(10 + 30 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]))


class Api(httpx.Client):
    """A script that uses the product: signs in once, then sends its token."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(base_url=f"{url}/api/v1/", timeout=30, **options)

    def sign_in(self, email: str, password: str) -> None:
        answer = self.post("auth/login/", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        self.cookies.clear()
        self.headers["Authorization"] = f"Token {answer.json()['key']}"

    def create(
        self, kind: str, content: bytes, filename: str = "input.txt", /, **fields: Any
    ) -> dict[str, Any]:
        answer = self.post(f"{kind}/create/", files={"file": (filename, content)}, data=fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def status(self, kind: str, request_id: str) -> dict[str, Any]:
        answer = self.get(f"{kind}/status/{request_id}/")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, kind: str, request_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        """Poll until the request is in one of the states (default: any final one)."""
        states = states or ("completed", "failed", "cancelled")

        def look() -> dict[str, Any] | None:
            now = self.status(kind, request_id)
            return now if now["status"] in states else None

        found = wait_for(look, seconds=seconds, what=f"{kind} {request_id} {states}")
        assert found is not None
        return found
