"""Dockerfiles, start scripts, compose files and workflows, read by the tools for them."""

import json
import os
import subprocess

import pytest

from scripts.node import for_downloads
from scripts.uv import UV
from tests.compose import read
from tests.image.engine import run
from tests.stack import ROOT

pytestmark = [pytest.mark.image, pytest.mark.timeout(300)]


def names(*patterns: str) -> list[str]:
    found = [str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)]
    assert found, patterns
    return sorted(found)


SCHEMA = ["check-jsonschema", "--builtin-schema"]


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", *names("docker/*/*/Dockerfile")],
        [
            "shellcheck",
            *names(".ci/*"),
            *names("docker/**/start*", "docker/**/slim", "requirements/**/slim"),
        ],
        ["zizmor", "--offline", "--no-progress", ".github"],
        [*SCHEMA, "vendor.github-workflows", *names(".github/workflows/*.yml")],
        [*SCHEMA, "vendor.dependabot", ".github/dependabot.yml"],
    ],
    ids=lambda command: command[0] if command[0] != SCHEMA[0] else command[2],
)
def test_tool_finds_nothing(command: list[str]) -> None:
    uv = [str(UV), "run", "--quiet", "--isolated", "--no-project", "--with-requirements"]
    run(*uv, "requirements/lint.txt", *command, cwd=ROOT, env=for_downloads(dict(os.environ)))


@pytest.mark.parametrize("name", ["local.yml", "production.yml"])
def test_compose_reads_the_file_as_the_tests_do(name: str) -> None:
    command = ["docker", "compose", "--file", name, "--profile", "*", "config", "--format=json"]
    try:
        subprocess.run(["docker", "compose", "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("docker compose is not installed")
    done = run(*command, cwd=ROOT)
    assert not done.stderr  # no warning about a variable that is not set
    services, ours = json.loads(done.stdout)["services"], read(name)["services"]
    assert set(services) == set(ours)
    for one, service in services.items():
        assert set(service.get("environment") or {}) == set(ours[one].get("environment", {})), one
        assert len(service.get("secrets", [])) == len(ours[one].get("secrets", [])), one
