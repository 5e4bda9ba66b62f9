"""Gives the suite its own PostgreSQL and Valkey, before Django reads its settings, and fixtures.

Loaded by `-p tests.plugin` in pyproject.toml, so that the features' tests, which live in the
features' folders, have the same fixtures. The servers keep nothing and end with the test run;
`make run` has others, with other data.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts.processes import last_lines
from scripts.services import Postgres, Valkey
from tests import database
from tests.mail_server import MailServer
from tests.stack import Api, Stack, migrated_database, redis_database

if TYPE_CHECKING:  # models cannot be imported before Django is set up
    from backend_django.users.models import User

_running: list[Postgres | Valkey] = []


@pytest.hookimpl(tryfirst=True)  # pytest-django reads the settings in the same hook
def pytest_load_initial_conftests() -> None:
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # The servers are those that the controller started; what is in them is the worker's own.
        own = Path(os.environ["TESTS_SCRATCH"], worker)
        os.environ |= {
            "REDIS_URL": redis_database(
                os.environ["REDIS_URL"], int(worker.removeprefix("gw")) + 1
            ),
            "MEDIA_ROOT": str(own / "media"),
            "PROCESSING_WORK_DIR": str(own / "work"),
        }
        (own / "work").mkdir(parents=True)
        return
    os.environ["DJANGO_SETTINGS_MODULE"] = "backend_django.config.settings.test"
    for name in [name for name in os.environ if name.startswith(("DJANGO_SUPERUSER", "VITE_APP"))]:
        del os.environ[name]
    scratch = Path(tempfile.mkdtemp(prefix="tests-"))
    postgres, valkey = Postgres(None, durable=False).start(), Valkey(None).start()
    _running.extend([postgres, valkey])
    os.environ |= {
        "OPENBLAS_NUM_THREADS": "1",  # as in every process of the product; before numpy is loaded
        "DATABASE_URL": postgres.url,
        "TESTS_SUPERUSER_URL": postgres.superuser_url,
        "REDIS_URL": valkey.url,
        "MEDIA_ROOT": str(scratch / "media"),
        "PROCESSING_WORK_DIR": str(scratch / "work"),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TESTS_SCRATCH": str(scratch),
    }
    (scratch / "work").mkdir()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(database)


def pytest_unconfigure() -> None:
    if not _running:
        return
    for server in _running:
        server.stop()
    _running.clear()
    shutil.rmtree(os.environ["TESTS_SCRATCH"], ignore_errors=True)


# Long ones, which run when `-m` asks for them by name.
PROOFS = ("chaos", "feature", "image", "matrix")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unasked = {name for name in PROOFS if name not in config.option.markexpr}
    left_out = [item for item in items if unasked & {mark.name for mark in item.iter_markers()}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # The files with long ones first, so that none is left over when the others are done.
    short: dict[Path, list[bool]] = {}
    for item in items:
        marks = [item.get_closest_marker(name) is None for name in ("timeout", "slow")]
        short[item.path] = min(marks, short.get(item.path, marks))
    items.sort(key=lambda item: short[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what a stack logged when a test that uses it fails."""
    report = yield
    if report.failed:
        given = getattr(item, "funcargs", {}).values()
        logs = [path for made in given if isinstance(made, Stack) for path in made.logs()]
        report.sections += [(f"log of {path.stem}", last_lines(path, 30)) for path in logs]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Start what a test that failed left stopped: those after it would fail for its fault."""
    stack: Any = getattr(item, "funcargs", {}).get("stack")
    ran = list(stack.processes) if isinstance(stack, Stack) else []
    try:
        return (yield)
    except BaseException:
        if stopped := [name for name in ran if name in stack.commands.keys() - stack.processes]:
            stack.start(*stopped)
        raise


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Web, worker and beat, running, with a superuser (tests.stack.ADMIN)."""
    name = f"stack_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    made = Stack(tmp_path_factory.mktemp("stack"), migrated_database(name))
    with made.running():
        yield made


@pytest.fixture(scope="session", autouse=True)
def _empty_quickly() -> None:
    """Let the tests that commit empty only the tables with rows, as most of them fill few.

    Django truncates all, and makes content types and permissions again: half a second for each
    such test where this takes milliseconds.
    """
    from django.core.management.commands import flush
    from django.db import connection, transaction

    def handle(self: flush.Command, **options: object) -> None:
        tables = connection.introspection.django_table_names(only_existing=True)
        names = sorted(set(tables) - {"django_content_type", "auth_permission"})
        look = " UNION ALL ".join(f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in names)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(look)
            for (name,) in cursor.fetchall():  # in any order: foreign keys are checked at the end
                cursor.execute(f'DELETE FROM "{name}"')

    flush.Command.handle = handle  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_looked_for_once() -> None:
    """Each client of a test loads the middlewares, and WhiteNoise reads all static files anew."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def add(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files |= found

    WhiteNoiseMiddleware.add_files_from_finders = add


@pytest.fixture(autouse=True)
def _nobody_is_spoken_to_afterwards() -> Iterator[None]:
    """A call leaves its language to the thread, which a server's next call sets anew.

    Afterwards and not before: what a module's tests share is made before any of them begins.
    """
    from django.utils import translation

    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nobody_tried_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """Attempts are counted by address, and every test calls from the same one."""
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").forget_attempts()
    mark = request.node.get_closest_marker("django_db")
    commits = mark is not None and mark.kwargs.get("transaction")
    if not commits:
        yield
        return
    from django.core.cache import caches

    request.getfixturevalue("transactional_db")
    caches["redis"].clear()
    yield
    caches["default"].clear()  # Django empties the tables of models, and the cache has none


def debian(package: str) -> Path:
    """Return the folder of a package's programs; skip where it cannot be had."""
    programs = pytest.importorskip("scripts.debian")  # not in a project without the proofs
    try:
        return programs.find_or_fetch(package)
    except programs.NoPackageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def prometheus_tools() -> Path:
    """The folder of Prometheus and promtool."""
    return debian("prometheus")


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[Api]:
    """A script that has signed in as the superuser."""
    with stack.client() as client:
        # Of tokens from signing in, only the ten used last are kept; many tests sign in.
        made = client.post("auth/tokens/", json={"name": "the suite"})
        assert made.status_code == 201, made.text
        client.headers["Authorization"] = f"Token {made.json()['key']}"
        yield client


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been sent to a worker that goes on with pipelines."""
    messages: list[str] = []
    monkeypatch.setattr(
        "backend_django.processing.enqueue.current_app.send_task",
        lambda name, args, **_: messages.append(args[0]) if "advance" in name else None,
    )
    return messages


@pytest.fixture
def mail_server(stack: Stack) -> Iterator[MailServer]:
    """The mail server of the stack, which takes everything."""
    server = MailServer(stack.mail_port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def user(db: None) -> "User":
    from backend_django.users.models import User

    return User.objects.create_user("ada@example.org", "correct horse battery staple")


@pytest.fixture
def own_folders(settings: Any, tmp_path: Path) -> None:
    """Keep files and scratch space of other tests out of sight."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PROCESSING_WORK_DIR = str(tmp_path / "work")
