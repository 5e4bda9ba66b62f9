"""The entrypoint, without a container: it needs a PostgreSQL and nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from kombu import Connection
from psycopg import sql
from redis.connection import parse_url

from scripts.processes import free_port
from tests.image.deployment import PASSWORDS
from tests.matrix import matrix
from tests.stack import ROOT, wait_for

pytestmark = pytest.mark.slow
ENTRYPOINT = ROOT / "docker" / "production" / "django" / "entrypoint"
USER = "image+te st@x"
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture(params=[PASSWORDS["postgres_password"], "per%cent:and/slash#"])
def account(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """An account of the suite's PostgreSQL, as components."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        name, password = sql.Identifier(USER), sql.Literal(request.param)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
        parts = urlsplit(url)
        yield {
            "POSTGRES_HOST": str(parts.hostname),
            "POSTGRES_PORT": str(parts.port),
            "POSTGRES_DB": parts.path.strip("/"),
            "POSTGRES_USER": USER,
            "POSTGRES_PASSWORD": request.param,
        }
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "backend_django.config.settings.production",
        "TMPDIR": str(tmp_path),
        "DJANGO_SECRET_KEY": "kJ8-Zq2_wX5vN1rT7yB4mC9sD3fG6hLpQaEiUoRtYxVzWnMbKjHgFdSa",
        "DJANGO_ALLOWED_HOSTS": "www.example.org",
        "REDIS_URL": "redis://redis:6379/0",
        "MEDIA_ROOT": str(tmp_path / "media"),
        "PROCESSING_WORK_DIR": str(tmp_path / "work"),
        "VUE_INDEX": str(ROOT / "frontend_vue" / "index.html"),
    }


def enter(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ENTRYPOINT), *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def refused(environment: dict[str, str], **settings: str) -> str:
    """The sentence with which it stops: one line, no traceback."""
    done = enter(environment | settings, "start")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("entrypoint: ")
    return last


@pytest.mark.parametrize("as_file", [False, True])
def test_any_password_reaches_postgres(
    environment: dict[str, str], account: dict[str, str], as_file: bool, tmp_path: Path
) -> None:
    if as_file:
        (tmp_path / "secret").write_text(account.pop("POSTGRES_PASSWORD") + "\n")
        account["POSTGRES_PASSWORD_FILE"] = str(tmp_path / "secret")
    done = enter(environment | account, "python", "-c", SHOW)
    assert done.returncode == 0, done.stderr  # Django's own reading of it has connected
    url = json.loads(done.stdout)["DATABASE_URL"]
    with psycopg.connect(url) as connection:  # and libpq's reading is the same
        assert connection.info.user == USER


@pytest.mark.matrix
def test_url_wins_over_components_and_broker_is_redis(environment: dict[str, str]) -> None:
    url = os.environ["DATABASE_URL"]
    done = enter(
        environment | {"DATABASE_URL": url, "POSTGRES_HOST": "elsewhere.invalid"},
        "python", "-c", SHOW,
    )  # fmt: skip
    shown = json.loads(done.stdout)
    assert (shown["DATABASE_URL"], shown["CELERY_BROKER_URL"]) == (url, "redis://redis:6379/0")


def test_it_becomes_the_command_which_gets_the_signals(environment: dict[str, str]) -> None:
    environment |= {"DATABASE_URL": os.environ["DATABASE_URL"]}
    command = [
        str(ENTRYPOINT),
        "sh",
        "-c",
        "echo $$; trap 'exit 7' TERM; while :; do sleep 0.1; done",
    ]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        # the line is there before the trap is
        wait_for(
            lambda: int(_status(process.pid, "SigCgt"), 16) >> (signal.SIGTERM - 1) & 1,
            what="the shell catches TERM",
        )
        process.terminate()
        assert process.wait(10) == 7


@pytest.mark.parametrize(
    ("before", "command", "after"),
    [("", "true", "true"), ("start", "true", "start"), ("true", "start-nothing", "start-nothing")],
)
def test_a_command_beside_the_container_s_own_changes_no_role(
    environment: dict[str, str], tmp_path: Path, before: str, command: str, after: str
) -> None:
    if before:
        (tmp_path / "role").write_text(before)
    enter(environment | {"DATABASE_URL": os.environ["DATABASE_URL"]}, command)
    assert (tmp_path / "role").read_text() == after


def _status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))


def test_waiting_has_a_limit_and_names_the_server(environment: dict[str, str]) -> None:
    port = free_port()
    began = time.monotonic()
    sentence = refused(
        environment,
        POSTGRES_HOST="127.0.0.1",
        POSTGRES_PORT=str(port),
        POSTGRES_PASSWORD="never-shown",
        POSTGRES_WAIT_SECONDS="2",
    )
    assert 2 <= time.monotonic() - began < 40
    assert f"PostgreSQL (127.0.0.1:{port}, database postgres, user postgres)" in sentence
    assert "within 2 s" in sentence
    assert "refused" in sentence
    assert "never-shown" not in sentence


@pytest.mark.matrix
def test_waiting_ends_when_the_server_lets_us_in(
    environment: dict[str, str], tmp_path: Path
) -> None:
    url, log = os.environ["DATABASE_URL"], tmp_path / "log"
    parts = urlsplit(url)
    environment["DATABASE_URL"] = (
        f"postgresql://late:late@{parts.hostname}:{parts.port}{parts.path}"
    )
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [str(ENTRYPOINT), "echo", "started"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True,
        ) as process,
        psycopg.connect(url, autocommit=True) as connection,
    ):  # fmt: skip
        wait_for(lambda: "waiting for PostgreSQL" in log.read_text(), what="it says that it waits")
        connection.execute("CREATE ROLE late LOGIN PASSWORD 'late'")
        try:
            assert process.communicate(timeout=30)[0] == "started\n"
        finally:
            connection.execute("DROP ROLE late")


@pytest.mark.parametrize("password", [PASSWORDS["redis_password"], matrix("per%cent:and/slash#")])
def test_any_password_reaches_redis(
    environment: dict[str, str], password: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(password + "\n")
    del environment["REDIS_URL"]
    environment |= {
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "REDIS_HOST": "redis",
        "REDIS_PASSWORD_FILE": str(tmp_path / "secret"),
    }
    done = enter(environment, "python", "-c", SHOW)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["CELERY_BROKER_URL"] == shown["REDIS_URL"]
    read = parse_url(shown["REDIS_URL"])  # by redis-py, and by Celery
    assert (read["host"], read["port"], read["password"]) == ("redis", 6379, password)
    assert Connection(shown["REDIS_URL"]).password == password


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"DATABASE_URL": ""}, "Set DATABASE_URL, or POSTGRES_HOST"),
        matrix(
            {"REDIS_URL": ""}, "Set REDIS_URL, for example to redis://redis:6379/0, or REDIS_HOST"
        ),
        ({"DJANGO_SECRET_KEY": "changeme"}, "DJANGO_SECRET_KEY is missing, too short or well"),
        matrix({"DJANGO_SECRET_KEY_FILE": "/nowhere/key"}, "/nowhere/key"),
        matrix({"MEDIA_ROOT": "/proc/media"}, "/proc/media cannot be made"),
        matrix({"VITE_APP_API_ROOT": "/api/v1"}, "VITE_APP_API_ROOT must be a path such as"),
        matrix(
            {"VITE_APP_STATIC_ROOT": 'x"><script>alert(1)</script>/'},
            "VITE_APP_STATIC_ROOT must be",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    environment: dict[str, str], settings: dict[str, str], expected: str
) -> None:
    environment |= {"DATABASE_URL": os.environ["DATABASE_URL"]}
    assert expected in refused(environment, **settings)


def test_unknown_command_is_said_too(environment: dict[str, str]) -> None:
    environment |= {"DATABASE_URL": os.environ["DATABASE_URL"]}
    done = enter(environment, "/strat")
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "entrypoint: /strat: No such file or directory",
    )
