"""The first start, also when four processes start at once, on real PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scripts import runner
from tests.stack import ROOT, wait_for

EMAIL = "root@example.org"


@pytest.fixture
def database_url() -> Iterator[str]:
    """An empty database."""
    name, url = "setup_test", os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield url.rsplit("/", 1)[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    def group(name: str) -> str:
        return json.dumps([{"model": "auth.group", "fields": {"name": name}}])

    for name in ("editors", "readers", "dev_testers"):
        (tmp_path / f"{name}.json").write_text(group(name))
    return tmp_path


def start_setup(database_url: str, fixtures: Path, **environment: str) -> subprocess.Popen[str]:
    code = (
        "import os, django; django.setup();"
        "from django.conf import settings; from django.core.management import call_command;"
        f"settings.FIXTURES_DIR = {str(fixtures)!r}; call_command('setup')"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": database_url,
            "DJANGO_SUPERUSER_EMAIL": EMAIL,
            "DJANGO_SUPERUSER_PASSWORD": "correct horse battery staple",
        }
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=110)
    assert process.returncode == 0, output
    return output


def contents(database_url: str) -> dict[str, object]:
    with psycopg.connect(database_url) as connection:

        def column(column_from: str) -> list[object]:
            return [r[0] for r in connection.execute(f"SELECT {column_from} ORDER BY 1")]

        return {
            "groups": column("name FROM auth_group"),
            "flags": column("name FROM site_config_setupflag WHERE setup_complete"),
            "users": column("email FROM users_user"),
            "verified": column("email FROM account_emailaddress WHERE verified"),
        }


EXPECTED = {
    "groups": ["editors", "readers"],
    "flags": ["fixture-editors", "fixture-readers"],
    "users": [EMAIL],
    "verified": [EMAIL],
}


@pytest.mark.matrix
@pytest.mark.slow
def test_four_at_once_leave_exact_data_and_a_second_round_changes_nothing(
    database_url: str, fixtures: Path
) -> None:
    for _ in range(2):
        started = [start_setup(database_url, fixtures) for _ in range(4)]
        assert sum("created the superuser" in finish(process) for process in started) <= 1
        assert contents(database_url) == EXPECTED


@pytest.mark.matrix
@pytest.mark.slow
def test_killed_in_the_middle_of_fixtures_the_three_that_wait_make_it_right(
    database_url: str, fixtures: Path, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    finish(start_setup(database_url, tmp_path / "none"))
    waits = "SELECT FROM pg_stat_activity WHERE datname = 'setup_test' AND wait_event_type = 'Lock'"
    with (
        psycopg.connect(database_url) as holder,
        psycopg.connect(database_url, autocommit=True) as watcher,
    ):
        holder.execute("LOCK TABLE auth_group IN SHARE MODE")  # may be read, not written to
        first = start_setup(database_url, fixtures)
        wait_for(lambda: watcher.execute(waits).fetchone() is not None, what="it is in a fixture")
        others = [start_setup(database_url, fixtures) for _ in range(3)]
        first.kill()
        first.communicate()
        assert contents(database_url) == EXPECTED | {"groups": [], "flags": []}
    for process in others:
        finish(process)
    assert contents(database_url) == EXPECTED


@pytest.mark.matrix
@pytest.mark.slow
def test_later_fixtures_are_added_and_edits_are_kept(database_url: str, fixtures: Path) -> None:
    finish(start_setup(database_url, fixtures))
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE auth_group SET name = 'authors' WHERE name = 'editors'")
    later = {"model": "auth.group", "fields": {"name": "later"}}
    (fixtures / "zz_later.json").write_text(json.dumps([later]))
    assert "loaded zz_later.json" in finish(start_setup(database_url, fixtures))
    assert contents(database_url)["groups"] == ["authors", "later", "readers"]


@pytest.mark.slow
def test_weak_superuser_password_is_refused_with_a_reason(
    database_url: str, fixtures: Path
) -> None:
    process = start_setup(database_url, fixtures, DJANGO_SUPERUSER_PASSWORD="password")
    output, _ = process.communicate(timeout=110)
    assert process.returncode != 0
    assert "DJANGO_SUPERUSER_PASSWORD is not good enough. This password is too common." in output


@pytest.mark.matrix
@pytest.mark.slow
def test_waiting_is_given_up_only_when_the_holder_is_gone(
    database_url: str, fixtures: Path
) -> None:
    from backend_django.site_config.management.commands.setup import LOCK_KEY

    with psycopg.connect(database_url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        process = start_setup(database_url, fixtures)
        # it polls: its session is seen idle, not waiting inside PostgreSQL
        wait_for(
            lambda: holder.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = 'setup_test'"
                " AND query LIKE '%pg_try_advisory_lock%' AND state = 'idle'"
            ).fetchone(),
            what="the second process polls",
        )
        assert process.poll() is None
    finish(process)
    assert contents(database_url) == EXPECTED


def test_shipped_fixtures_load(db: None) -> None:
    from django.contrib.auth.models import Group
    from django.core.management import call_command

    for path in sorted((ROOT / "fixtures").glob("*.json")):
        call_command("loaddata", str(path), verbosity=0)
    operators = Group.objects.get(name="Operators")
    assert operators.permissions.filter(codename="view_processingrequest").exists()


@pytest.mark.parametrize("folder", ["fixtures", "backend_django/rivers/fixtures"])
def test_make_run_sets_up_again_for_a_new_fixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    before = runner.setup_inputs({})
    (tmp_path / folder / "rivers.json").write_text("[]")
    assert runner.setup_inputs({}) != before
