"""Set-up: one clear sentence for what a person has to change, each step once, secrets kept."""

import ast
import asyncio
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import install, progress, uv
from scripts.environment import (
    UsageError,
    create_dotenv,
    port_from,
    read_dotenv,
    settings_for_children,
)
from scripts.install import Step
from scripts.node import for_downloads, node_environment, satisfies
from tests.stack import ROOT

NOWHERE = "http://127.0.0.1:9/simple"  # nobody listens on the discard port


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(progress, "LOGS", tmp_path / "logs")
    return tmp_path / "logs"


def bootstrap(
    folder: Path, environment: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.bootstrap", "--dotenv", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def only_sentence(text: str) -> str:
    """The one line on stderr; a traceback or a second line is a failure."""
    (line,) = text.strip().splitlines()
    return line


# What a person has to change


def test_an_old_python_is_refused_in_one_sentence() -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 8, 1); sys.version = '3.8.1 (main)';"
    run_it = "runpy.run_module('scripts.bootstrap', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", pretend + run_it], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in only_sentence(done.stderr)
    assert "is 3.8.1" in done.stderr


def test_the_first_file_parses_on_old_pythons() -> None:
    source = (ROOT / "scripts" / "bootstrap.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    assert not re.search(r"^\s*def [^#\n]*:[ \t]*\w", source, re.M)


@pytest.mark.slow
def test_a_taken_port_is_said_before_anything_is_installed(
    checkout: Path, bare_environment: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = bootstrap(checkout, bare_environment | {"PORT": port}, "--before", "run")
    assert done.returncode == 1
    assert only_sentence(done.stderr).startswith(f"Port {port} is taken by another program")
    assert not (checkout / ".env").exists()


@pytest.mark.matrix
@pytest.mark.slow  # pip tries again before it gives up
def test_no_network_is_one_sentence(checkout: Path, bare_environment: dict[str, str]) -> None:
    unreachable = {"PIP_INDEX_URL": NOWHERE, "UV_DEFAULT_INDEX": NOWHERE}
    done = bootstrap(checkout, bare_environment | unreachable)
    assert done.returncode == 1
    assert only_sentence(done.stderr).startswith("No network (installer): the package server")
    assert not (checkout / ".env").exists()


@pytest.mark.matrix
@pytest.mark.slow  # npm tries again before it gives up
def test_npm_without_network_is_one_sentence(tmp_path: Path, checkout: Path) -> None:
    environment = node_environment() | {
        "npm_config_registry": NOWHERE,
        "npm_config_replace_registry_host": "always",
        "npm_config_cache": str(tmp_path / "cache"),
        "npm_config_fetch_retries": "0",
    }
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    with pytest.raises(UsageError, match=r"^No network \(page's packages\): the package server"):
        asyncio.run(
            progress.run("page's packages", command, environment, checkout / "frontend_vue")
        )


def test_a_full_disk_is_noticed_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "CACHE", tmp_path)
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: Usage)
    installation = install.Installation(page=False, build=False)
    with pytest.raises(UsageError, match=r"The disk is full: 1 MB are free where .* 2048 MB"):
        asyncio.run(installation.make())
    assert list(tmp_path.iterdir()) == []


class Usage:
    free = 1 << 20


def test_what_needs_no_page_is_set_up_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    installation = install.Installation(page=False, build=True)
    done: list[str] = []

    async def do(step: install.Step) -> None:
        done.append(step.name)

    monkeypatch.setattr(install.Step, "do", do)
    monkeypatch.setattr(install.Step, "is_done", False)
    asyncio.run(installation.make())
    assert set(done) == {"installer", "Python packages"}


def test_a_disk_that_fills_up_under_way_is_one_sentence() -> None:
    filling = ["dd", "if=/dev/zero", "of=/dev/full"]
    with pytest.raises(UsageError, match=r"^The disk is full: free some space, then run"):
        asyncio.run(progress.run("filling", filling, os.environ | {"LC_ALL": "C"}))


def test_an_untrusted_certificate_names_the_variables() -> None:
    text = "npm error code SELF_SIGNED_CERT_IN_CHAIN"
    assert "SSL_CERT_FILE and NODE_EXTRA_CA_CERTS" in (progress.explain("packages", text) or "")


def test_any_other_failure_shows_the_end_and_the_log(logs: Path) -> None:
    command = ["sh", "-c", "echo the reason; exit 7"]
    with pytest.raises(UsageError) as failure:
        asyncio.run(progress.run("a step of tests", command, dict(os.environ)))
    log = logs / "a-step-of-tests.log"
    assert str(failure.value).endswith(f"failed with exit code 7. The end of {log}:\nthe reason")


@pytest.mark.parametrize("text", ["5000x", "0", "65536", "-1"])
def test_a_port_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match=f"PORT={text} is not a port"):
        port_from({"PORT": text}, "PORT", 5000)


# Each step once


def test_a_step_is_done_once_until_its_inputs_change(tmp_path: Path) -> None:
    made: list[bool] = []

    async def make(half_done: bool) -> None:
        made.append(half_done)

    for inputs in ("a", "a", "b", "a"):
        asyncio.run(Step("step", tmp_path / "stamp", inputs, make).do())
    assert made == [False, False, False]


def test_an_interrupted_step_is_done_again_from_scratch(tmp_path: Path) -> None:
    made: list[bool] = []

    async def fail(half_done: bool) -> None:
        made.append(half_done)
        raise UsageError("broken")

    for _ in range(2):
        with pytest.raises(UsageError):
            asyncio.run(Step("step", tmp_path / "stamp", "a", fail).do())
    assert made == [False, True]


def test_what_only_tests_need_comes_with_them_and_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "CACHE", tmp_path)
    monkeypatch.setattr(install, "venv_is_usable", lambda: True)

    def python(*, tests: bool) -> tuple[Step, list[Path]]:
        made = install.Installation(page=False, build=False, tests=tests)
        return made.python, made.requirements

    for tests in (False, True, False, True):  # `make run`, `make test`, and again
        step, requirements = python(tests=tests)
        assert step.is_done is (step.had != "" and (not tests or step.had.startswith("test ")))
        step._write(step.wanted)
    assert requirements[0].name == "test.txt"
    step._write("test of other locks")
    step, requirements = python(tests=False)
    assert not step.is_done
    assert requirements[0].name == "test.txt", "what tests need is not thrown away"
    step._write(install.UNFINISHED)
    assert python(tests=False)[1][0].name == "local.txt"


def test_what_could_not_be_fetched_leaves_what_is_there(tmp_path: Path) -> None:
    async def fetch(_half_done: bool) -> None:
        raise progress.DownloadError("no network")

    step = Step("step", tmp_path / "stamp", "test b", fetch)
    step._write("local a")
    with pytest.raises(UsageError):
        asyncio.run(step.do())
    assert step.had == "local a"


def test_the_page_is_built_again_for_a_changed_source_only() -> None:
    sources = {path.relative_to(ROOT).parts[1] for path in install.page_sources()}
    assert {"src", "index.html", "vite.config.ts", "package-lock.json"} <= sources
    assert not sources & {"dist", "node_modules"}


@pytest.mark.parametrize(
    ("version", "fits"),
    [("20.19.0", True), ("20.18.9", False), ("21.9.0", False), ("22.12.0", True),
     ("22.11.5", False), ("24.19.0", True), ("18.20.4", False)],
)  # fmt: skip
def test_which_node_will_do(version: str, fits: bool) -> None:
    assert satisfies(version, "^20.19.0 || >=22.12.0") is fits


def test_downloads_trust_what_the_user_says() -> None:
    environment = for_downloads({"NODE_EXTRA_CA_CERTS": "/company.pem", "HOME": "/nonexistent"})
    assert environment["NODE_EXTRA_CA_CERTS"] == "/company.pem"
    assert environment["UV_SYSTEM_CERTS"] == "1"
    assert Path(environment["UV_CACHE_DIR"]).is_relative_to(ROOT)  # no home to keep it in


@pytest.mark.parametrize(
    ("name", "system", "machine", "fits"),
    [
        ("uv-1.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "linux", "x86_64", True),
        ("uv-1.0-py3-none-manylinux_2_28_aarch64.whl", "linux", "x86_64", False),
        ("uv-1.0-py3-none-manylinux_2_17_i686.manylinux2014_i686.whl", "linux", "x86_64", False),
        ("uv-1.0-py3-none-macosx_11_0_arm64.whl", "darwin", "arm64", True),
        ("uv-1.0-py3-none-macosx_10_12_x86_64.whl", "darwin", "arm64", False),
        ("uv-1.0-py3-none-win_amd64.whl", "linux", "x86_64", False),
    ],
)  # fmt: skip
def test_which_uv_runs_here(name: str, system: str, machine: str, fits: bool) -> None:
    assert uv.fits_this_machine(name, system, machine) is fits


# .env


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert create_dotenv(path)
    assert path.stat().st_mode & 0o777 == 0o600
    settings = read_dotenv(path)
    made = [settings[name] for name in settings if name.endswith(("_KEY", "_PASSWORD"))]
    assert len({*made}) == len(made) >= 2
    assert min(map(len, made)) >= 20
    assert len(settings["DJANGO_SECRET_KEY"]) >= 50
    assert settings["DJANGO_SUPERUSER_EMAIL"] == "admin@example.com"
    before = path.read_text()
    assert not create_dotenv(path)
    assert path.read_text() == before


def test_what_a_dotenv_line_may_look_like(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# a comment\n\nA=1\nexport B = 'two words'\nC=\"x=y#z\"\nD=\n")
    assert read_dotenv(path) == {"A": "1", "B": "two words", "C": "x=y#z", "D": ""}
    path.write_text("A=1\nnonsense\n")
    with pytest.raises(UsageError, match=r"\.env, line 2 is not KEY=value"):
        read_dotenv(path)


def test_an_exported_variable_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text("PORT=1111\nMAIL_PORT=2222\n")
    monkeypatch.setattr("scripts.environment.DOTENV", path)
    monkeypatch.setenv("PORT", "3333")
    monkeypatch.setenv("MAIL_PORT", "")
    settings = settings_for_children()
    assert (settings["PORT"], settings["MAIL_PORT"]) == ("3333", "2222")
