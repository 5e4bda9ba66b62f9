"""The visits that load is made of are those of a person: Locust makes them of a running product."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.environment import FRONTEND
from scripts.node import for_downloads, node_environment
from scripts.uv import UV
from tests.stack import ROOT, Api, Stack

LOAD = ROOT / "deploy" / "load"


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize(
    ("people", "profile"),
    [
        (("--users", "3", "--spawn-rate", "3", "--run-time", "15s"), {}),
        ((), {"PROFILE": "spike", "SHARE": "0.03"}),  # nine within a blink
    ],
    ids=["steady", "spike"],
)
def test_people_visit_and_all_their_requests_are_completed(
    stack: Stack, api: Api, tmp_path: Path, people: tuple[str, ...], profile: dict[str, str]
) -> None:
    (tmp_path / "words.txt").write_text("two words")
    token = api.post("auth/tokens/", json={"name": "load"}).json()["key"]
    said = {"TOKEN": token, "KIND": "wordcount", "FILE": str(tmp_path / "words.txt"), **profile}
    command = [
        *(UV, "run", "--quiet", "--isolated", "--no-project", "--python", sys.executable),
        *("--with-requirements", ROOT / "requirements/kubernetes/load.txt", "locust"),
        *("--locustfile", LOAD / "locustfile.py", "--host", stack.url, "--headless"),
        *people,
        *("--stop-timeout", "20", "--json", "--only-summary"),
    ]
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], env=for_downloads({**ours, **said}),
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert found.keys() == {"list", "create", "status", "request"}
    assert sum(each["num_failures"] for each in found.values()) == 0
    assert found["request"]["num_requests"] >= 3
    assert found["create"]["num_requests"] == found["request"]["num_requests"]


@pytest.mark.parametrize(("name", "script"), [("day", "load.js"), ("spike", "spike.js")])
def test_both_tools_have_the_same_people(name: str, script: str) -> None:
    (profiles,) = (
        ast.literal_eval(node.value)
        for node in ast.parse((LOAD / "locustfile.py").read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROFILES"
    )
    stages = re.findall(r"duration: '(\d+)([ms])', target: (\d+)", (LOAD / script).read_text())
    units = {"m": 60, "s": 1}
    there = [(int(number) * units[unit], int(target)) for number, unit, target in stages]
    assert profiles[name] == there


def test_scripts_for_k6_are_modules_that_name_what_there_is() -> None:
    for script in LOAD.glob("*.js"):
        check = ["node", "--check", "--input-type=module", "-"]
        done = subprocess.run(
            check, input=script.read_text(), cwd=FRONTEND, env=node_environment(dict(os.environ)),
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{script.name}: {done.stderr}"
        for name in re.findall(r"from '\./([^']+)'", script.read_text()):
            assert (LOAD / name).exists()
