"""`make run` and its sisters on a copy of the checkout: the real programs, data of their own."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, expect

from scripts.environment import create_dotenv
from scripts.modules import module_programs
from scripts.processes import free_port
from tests.stack import ROOT, Api, wait_for

pytestmark = pytest.mark.slow
ACCOUNT = {"email": "ada@example.org", "password": "correct horse battery staple"}


class Checkout:
    """Commands in a copy of the checkout; what they start carries `mark` in its environment."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.mark = uuid4().hex
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment | {
            "PORT": str(self.port),
            **{module.port[0]: str(free_port()) for module in module_programs()},
            "DJANGO_SECRET_KEY": "only-for-tests-" * 4,
            "DJANGO_SUPERUSER_EMAIL": ACCOUNT["email"],
            "DJANGO_SUPERUSER_PASSWORD": ACCOUNT["password"],
            "TEST_MARK": self.mark,
        }
        self.log_file = folder.parent / f"log-{self.mark}"

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m scripts.stack …` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "scripts.stack", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )

    def start(self, mode: str = "run") -> subprocess.Popen[bytes]:
        """Start the stack and wait until it says that it is ready."""
        with self.log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "scripts.stack", mode],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

        def ready() -> bool:
            assert process.poll() is None, self.log
            return "is ready after" in self.log

        wait_for(ready, seconds=90, what="the banner")
        return process

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def wait_for_line(self, pattern: str, count: int = 1) -> None:
        wait_for(
            lambda: len(re.findall(pattern, self.log)) >= count,
            seconds=60,
            what=f"{count} times {pattern} in\n{self.log}",
        )


@pytest.fixture
def here(
    checkout: Path, bare_environment: dict[str, str], family: Callable[[str], list[int]]
) -> Iterator[Checkout]:
    create_dotenv(checkout / ".env")  # with what modules want there
    made = Checkout(checkout, bare_environment)
    yield made
    for pid in family(made.mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not family(made.mark))


def test_the_main_job_and_a_clean_stop(
    here: Checkout, family: Callable[[str], list[int]], tmp_path: Path
) -> None:
    (here.folder / ".data" / "mail").mkdir(parents=True)  # as earlier releases made it
    (here.folder / ".data" / "mail").chmod(0o755)
    with contextlib.ExitStack() as others:  # whoever has the port of what is optional stops nothing
        for module in module_programs():
            taken = others.enter_context(socket.socket())
            taken.bind(("127.0.0.1", int(here.environment[module.port[0]])))
            taken.listen()
        process = here.start()
    page = httpx.get(here.url)
    assert page.status_code == 200
    assert "<!doctype html>" in page.text.lower()
    assert here.environment["DJANGO_SUPERUSER_PASSWORD"] not in here.log  # it was not generated
    for module in module_programs():
        port = here.environment[module.port[0]]
        said = re.search(rf"{module.name} +(http://\S+) \(.*; {port} is taken\)", here.log)
        assert said, here.log
        wait_for(lambda at=f"{said[1]}/": status_of(at) in {401, 404}, what="it lets nobody in")

    again = here.command("run")
    assert again.returncode == 1
    assert again.stderr.startswith(f"Already running at {here.url} (process {process.pid})")

    counted = here.command("manage", "shell", "--no-imports", "-c", COUNT_USERS)
    assert counted.stdout.strip() == "1", counted.stderr  # of the running stack's database

    here.wait_for_line(r"worker │ .* ready\.")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert family(here.mark) == []
    data = here.folder / ".data"
    assert not (data / "run" / "stack.json").exists()
    folders = [data, *(path for path in data.iterdir() if path.is_dir())]
    assert (data / "mail") in folders
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}, "others may read it"


COUNT_USERS = "from django.contrib.auth import get_user_model as m; print(m().objects.count())"


def status_of(url: str) -> int:
    try:
        return httpx.get(url).status_code
    except httpx.TransportError:
        return 0


@pytest.mark.matrix
def test_killed_with_9_and_started_again(
    here: Checkout, family: Callable[[str], list[int]]
) -> None:
    process = here.start()
    here.wait_for_line(r"worker │ .* ready\.")
    process.kill()
    process.wait()
    started = time.monotonic()
    wait_for(lambda: not family(here.mark), what="everything ends")
    assert time.monotonic() - started < 15

    process = here.start()
    assert "setup │" not in here.log, "nothing changed, so there is nothing to set up"
    with Api(here.url) as api:
        api.sign_in(**ACCOUNT)
    process.terminate()
    assert process.wait(60) == 0


@pytest.mark.matrix
def test_a_killed_server_comes_back(here: Checkout) -> None:
    process = here.start()
    for name, pattern in (("PostgreSQL", "postgres"), ("Valkey", "valkey")):
        lock = here.folder / ".data" / pattern / "lock"
        assert int(lock.read_text()) == process.pid
        server = child_named(process.pid, pattern)
        os.kill(server, signal.SIGKILL)
        here.wait_for_line(rf"{name} ended \(exit code -9\), starts again")
        wait_for(lambda: status_of(f"{here.url}/health/ready") == 200, what="ready again")
    process.terminate()
    assert process.wait(60) == 0


def child_named(parent: int, name: str) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    (found,) = [int(pid) for pid in children if name in Path(f"/proc/{pid}/comm").read_text()]
    return found


def test_a_taken_port_is_one_sentence(here: Checkout) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = here.command("run", PORT=str(port))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Port {port} is taken by another program")
    assert "`PORT=8080 make run`" in line


def test_a_full_disk_is_one_sentence(here: Checkout) -> None:
    code = (
        "import shutil, sys; from scripts import stack;"
        "shutil.disk_usage = lambda _: type('Usage', (), {'free': 5 << 20});"
        "sys.argv = ['stack', 'run']; sys.exit(stack.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=here.folder,
        env=here.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("The disk is full: 5 MB are free where")


def test_a_broken_setting_ends_the_run_with_what_is_wrong(
    here: Checkout, family: Callable[[str], list[int]]
) -> None:
    done = here.command("run", DJANGO_SETTINGS_MODULE="no.such.settings")
    assert done.returncode == 1
    assert "No module named 'no'" in done.stdout
    assert "setup │ failed with exit code 1" in done.stdout
    assert family(here.mark) == []


@pytest.mark.matrix
def test_servers_of_ones_own_take_the_place_of_the_private_ones(here: Checkout) -> None:
    own = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}  # those of the tests
    done = here.command("manage", "shell", "--no-imports", "-c", SHOW_PORT, **own)
    assert done.stdout.strip() in own["DATABASE_URL"], done.stderr
    shutil.rmtree(here.folder / ".data" / "postgres", ignore_errors=True)
    here.command("manage", "check", **own)
    assert not (here.folder / ".data" / "postgres").exists()


SHOW_PORT = "from django.db import connection; print(connection.settings_dict['PORT'])"


@pytest.mark.matrix
def test_manage_passes_on_arguments_and_the_exit_code(here: Checkout) -> None:
    done = here.command("manage", "shell", "--no-imports", "-c", "raise SystemExit(7)")
    assert done.returncode == 7, done.stderr
    assert here.command("manage", "--version").stdout.strip().startswith("5.")


@pytest.mark.matrix
def test_dev_serves_through_vite_and_restarts_what_changed(
    here: Checkout, chromium: Browser
) -> None:
    modules = here.folder / "frontend_vue" / "node_modules"
    modules.symlink_to(ROOT / "frontend_vue" / "node_modules")
    try:
        process = here.start("dev")
        assert "/@vite/client" in httpx.get(here.url, timeout=60).text
        answer = httpx.get(f"{here.url}/api/v1/version/", timeout=60)
        assert answer.json()["version"]
        assert answer.headers["Server"].startswith("Werkzeug/")  # runserver_plus
        here.wait_for_line(r"worker │ .* ready\.")
        source = here.folder / "backend_django" / "processing" / "tasks.py"
        source.write_text(source.read_text() + "\n# changed\n")
        here.wait_for_line(r"tasks\.py changed: what does not reload starts again")
        here.wait_for_line(r"worker │ .* ready\.", count=2)
        broken = here.folder / "backend_django" / "users" / "api" / "views.py"
        ending = "\n\ndef fail(*_: object) -> Response:\n    raise RuntimeError('out of tea')\n"
        broken.write_text(f"{broken.read_text()}{ending}\n\nSessionView.get = fail\n")
        session = f"{here.url}/api/v1/auth/session/"
        wait_for(lambda: status_of(session) == 500, what="the view fails")
        with chromium.new_page() as page:
            page.goto(here.url)
            message = page.locator("vite-error-overlay .message-body")
            expect(message).to_have_text("RuntimeError: out of tea")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        modules.unlink()


@pytest.mark.matrix
def test_demo_starts_what_it_needs_and_stops_it(
    here: Checkout, family: Callable[[str], list[int]]
) -> None:
    for path in (here.folder / "backend_django").glob("*/demo.py"):
        path.rename(path.with_suffix(".off"))
    assert "No feature brings a demo" in here.command("demo").stdout
    feature = here.folder / "backend_django" / "pretend"
    feature.mkdir()
    (feature / "__init__.py").touch()
    (feature / "demo.py").write_text(
        "import json, os, sys, urllib.request\n"
        "assert sys.argv[1] == '--base-url', sys.argv\n"
        "ready = urllib.request.urlopen(sys.argv[2] + '/health/ready').status\n"
        "print(json.dumps([ready, sys.argv[3:], os.environ['DJANGO_SUPERUSER_EMAIL']]))\n"
        "sys.exit(9)\n"
    )
    done = here.command("demo", "my file.tif")
    assert json.loads(done.stdout.splitlines()[-1]) == [200, ["my file.tif"], ACCOUNT["email"]]
    assert done.returncode == 9
    assert family(here.mark) == []


@pytest.mark.matrix
def test_clean_data_refuses_while_running_and_removes_afterwards(here: Checkout) -> None:
    process = here.start()
    refused = here.command("clean-data")
    assert refused.returncode == 1
    assert "The stack is running" in refused.stderr
    assert httpx.get(f"{here.url}/health/ready").status_code == 200
    process.terminate()
    assert process.wait(60) == 0
    assert here.command("clean-data").returncode == 0
    assert not (here.folder / ".data" / "postgres").exists()
