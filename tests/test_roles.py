"""One table says what runs (docker/roles.toml); what runs it is checked against the table."""

import json
import re
import tomllib
from typing import Any

import pytest

from scripts.modules import module_programs
from tests.compose import read
from tests.stack import ROOT

pytestmark = pytest.mark.slow

UNITS = {"m": 1024**2, "g": 1024**3}


def roles() -> dict[str, dict[str, Any]]:
    """All rows: the core's, and those of modules."""
    found: dict[str, dict[str, Any]] = {}
    for path in [ROOT / "docker/roles.toml", *sorted(ROOT.glob("docker/*/roles.toml"))]:
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def size(text: str) -> int:
    """Bytes of 400m or 1g."""
    number, unit = re.fullmatch(r"(\d+)([mg])", text).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def compose(name: str) -> dict[str, Any]:
    """The services of a compose file, as they are without any setting."""
    text = json.dumps(read(name)["services"])
    services: dict[str, Any] = json.loads(
        re.sub(r"\$\{\w+:-((?:[^{}]|\$\{\w+:\+[^}]*\})*)\}", r"\1", text)
    )
    return services


def seconds(text: str) -> int:
    number = re.fullmatch(r"(\d+)s", text)
    assert number, text
    return int(number[1])


@pytest.mark.parametrize("role", roles())
def test_production_runs_what_the_table_says(role: str) -> None:
    row, service = roles()[role], compose("production.yml")[role]
    limits = service["deploy"]["resources"]["limits"]
    seen = {
        "command": service["command"],
        "memory": size(limits["memory"]),
        "pids": limits["pids"],
        "grace": seconds(service["stop_grace_period"]),
        "files": any(volume.endswith(":/data") for volume in service.get("volumes", [])),
        "queues": service["environment"].get("CELERY_QUEUES", "").split(",")
        if "CELERY_QUEUES" in service["environment"]
        else None,
    }
    assert seen == {
        "command": row["command"],
        "memory": size(row["memory"]),
        "pids": row["pids"],
        "grace": row["grace"],
        "files": row.get("files", False),
        "queues": row.get("queues"),
    }
    common = set(compose("production.yml")["celerybeat"]["secrets"])
    assert set(service["secrets"]) - common == set(row.get("secrets", []))


def test_every_process_of_the_image_has_a_row() -> None:
    services = compose("production.yml")
    image = services["web"]["image"]
    ours = {name for name, one in services.items() if one["image"] == image and one.get("command")}
    assert ours == set(roles())


def test_local_and_make_run_know_all_of_them() -> None:
    """The short worker is for machines with work enough for two; a developer's compose has one."""
    names = {"web": "django"}
    local = set(compose("local.yml"))
    assert {names.get(role, role) for role in roles()} - {"celeryworker-short"} <= local
    runner = (ROOT / "scripts/runner.py").read_text(encoding="utf-8")
    called = {"celeryworker": "worker", "celeryworker-short": "short", "celerybeat": "beat"}
    for role, row in roles().items():
        name = called.get(role, role)
        assert f'"{name}"' in runner or name in {one.name for one in module_programs()}, role
        if queues := row.get("queues"):
            assert f'"{",".join(queues)}"' in runner
