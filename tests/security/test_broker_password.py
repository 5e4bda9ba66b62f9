"""Redis of production.yml lets nobody in without the password of its secret."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import redis

from scripts.binaries import find_valkey
from scripts.processes import free_port
from tests.compose import read
from tests.stack import wait_for

from .test_owner_role import PASSWORD

SECRET = "/run/secrets/redis_password"


def test_whoever_uses_it_has_the_password() -> None:
    content = read("production.yml")
    services = content["services"]
    users = [name for name, each in services.items() if "REDIS_HOST" in each.get("environment", {})]
    assert len(users) > 3
    for name in [*users, "redis"]:
        assert "redis_password" in services[name]["secrets"], name
    assert "redis://" not in json.dumps(content)


@pytest.mark.matrix
@pytest.mark.slow
def test_nobody_comes_in_without_it(tmp_path: Path) -> None:
    service = read("production.yml")["services"]["redis"]
    (tmp_path / "secret").write_text(PASSWORD + "\n", encoding="utf-8")
    program = tmp_path / "docker-entrypoint.sh"  # the image's, as far as it matters here
    program.write_text('#!/bin/sh\nshift\nexec "$VALKEY" "$@" --bind 127.0.0.1 --port "$PORT"\n')
    program.chmod(0o755)
    port = free_port()
    command = [
        part.replace("$$", "$").replace(SECRET, str(tmp_path / "secret"))
        for part in service["entrypoint"] + service["command"]
    ]
    environment = os.environ | {
        "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]]),
        "VALKEY": str(find_valkey()),
        "PORT": str(port),
    }

    def says(password: str | None) -> str:
        try:
            return str(redis.Redis(port=port, password=password).ping())
        except redis.RedisError as error:
            return type(error).__name__

    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL
    ) as server:
        try:
            wait_for(lambda: says(PASSWORD) == "True", what="it answers to its password")
            assert says(None) == says("") == says("wrong") == "AuthenticationError"
            arguments = Path(f"/proc/{server.pid}/cmdline").read_bytes()
            assert PASSWORD.encode() not in arguments
        finally:
            server.terminate()
