"""The stack file for Docker Swarm: the table's roles, confined as production.yml confines them."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose import read
from tests.stack import ROOT
from tests.test_roles import seconds, size

STACK = ROOT / "deploy" / "swarm" / "stack.yml"
SERVICES: dict[str, Any] = yaml.safe_load(STACK.read_text(encoding="utf-8"))["services"]
ROLES = tomllib.loads((ROOT / "docker" / "roles.toml").read_text(encoding="utf-8"))
# What a server elsewhere is reached by, instead of by a name of compose's own network.
SERVERS = {"POSTGRES_HOST", "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "REDIS_HOST",
           "REDIS_PASSWORD_FILE", "DATABASE_URL_FILE", "REDIS_URL_FILE"}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_as_the_table_has_it(role: str) -> None:
    row, service = ROLES[role], SERVICES[role]
    deploy = service["deploy"]
    limits = deploy["resources"]["limits"]
    assert service["command"] == row["command"]
    assert (size(limits["memory"]), limits["pids"]) == (size(row["memory"]), row["pids"])
    assert seconds(service["stop_grace_period"]) == row["grace"]
    assert ("files:/data" in service.get("volumes", [])) is row.get("files", False)
    queues = service["environment"].get("CELERY_QUEUES", "")
    assert queues == ",".join(row.get("queues", []))
    if row.get("singleton"):
        assert deploy["replicas"] == 1
        assert deploy["update_config"]["order"] == "stop-first"
    assert [port["target"] for port in service.get("ports", [])] == (
        [row["port"]] if "port" in row else []
    )


def test_it_has_no_other_roles() -> None:
    assert set(SERVICES) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_confined_and_set_as_by_compose(role: str) -> None:
    ours, theirs = SERVICES[role], read("docker/production/compose.yml")["services"][role]
    for name in ("init", "read_only", "cap_drop", "tmpfs", "logging"):
        assert ours[name] == theirs[name], name
    assert ours["environment"].keys() - SERVERS == theirs["environment"].keys() - SERVERS
    secrets = {Path(value).name for name, value in ours["environment"].items() if "_FILE" in name}
    assert set(ours["secrets"]) == secrets


def test_a_start_may_take_as_long_as_its_migrations() -> None:
    """Swarm kills what is not healthy after the image's period, in the middle of a migration."""
    text = (ROOT / "docker/production/django/Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"--start-period=(\d+)s", text) == ["3600"]


def test_the_commands_take_settings_that_no_shell_reads(tmp_path: Path) -> None:
    """An env file is no script: `Name <noreply@…>` is text there, and a redirection in a shell."""
    text = (ROOT / "docs" / "deploy-kubernetes.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```sh\n([^`]*stack\.yml[^`]*)```", text)
    example = (ROOT / "docker/production/production.env.example").read_text(encoding="utf-8")
    settings = re.sub(r"(?m)^#(?=[A-Z_]+=)", "", example).replace("app:latest", "registry/app:1.0")
    (tmp_path / "production.env").write_text(settings)
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "$IMAGE $FILES_SERVER $*"\n')
    docker.chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "IMAGE": "", "FILES_SERVER": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("registry/app:1.0 10.0.0.5 stack deploy")


@pytest.mark.slow
def test_docker_takes_it(tmp_path: Path) -> None:
    if not shutil.which("docker"):
        pytest.skip("`docker stack config` checks it, and there is no docker")
    (tmp_path / "deploy" / "swarm").mkdir(parents=True)
    shutil.copy(STACK, tmp_path / "deploy" / "swarm")
    (tmp_path / "production.env").write_text("DJANGO_ALLOWED_HOSTS=www.example.org\n")
    command = ["docker", "stack", "config", "--compose-file", "deploy/swarm/stack.yml"]
    given = {"IMAGE": "app:1", "FILES_SERVER": "10.0.0.5", "FILES_PATH": "/srv/app"}

    def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True
        )

    done = run(given)
    assert done.returncode == 0, done.stderr
    text = json.dumps(yaml.safe_load(done.stdout))
    assert "www.example.org" in text
    assert "10.0.0.5" in text
    without = run({name: value for name, value in given.items() if name != "IMAGE"})
    assert without.returncode != 0
    assert "Set IMAGE to an image that every machine can pull" in without.stderr
