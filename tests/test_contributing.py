"""What helps people who change the code is true: launch configurations, the rule of subjects."""

import json
import re
from importlib.util import find_spec

import pytest
import yaml

from tests.stack import ROOT


@pytest.mark.parametrize(
    ("message", "is_refused"),
    [
        ("Refuse names without a letter\n\nBecause…\n", False),
        ("ü" * 72 + "\n\n" + "x" * 200, False),
        ("ü" * 73, True),
        ("x" * 73 + "\n", True),
    ],
)
def test_a_subject_of_more_than_72_characters_is_refused(message: str, is_refused: bool) -> None:
    """pre-commit is not installed here: this is what its pygrep does with the hook's pattern."""
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (hook,) = [hook for hook in settings["repos"][0]["hooks"] if hook["id"] == "subject"]
    assert (hook["language"], hook["args"], hook["stages"]) == (
        "pygrep", ["--multiline"], ["commit-msg"]
    )  # fmt: skip
    assert settings["default_stages"] == ["pre-commit"], "the others would run for messages too"
    pattern = re.compile(hook["entry"].encode(), re.MULTILINE | re.DOTALL)
    assert bool(pattern.search(message.encode())) == is_refused


def test_launch_configurations_start_what_there_is() -> None:
    launch = json.loads((ROOT / ".vscode" / "launch.json").read_text())
    names = " ".join(configuration["name"] for configuration in launch["configurations"]).lower()
    assert all(word in names for word in ("web", "worker", "tests", "page"))
    for configuration in launch["configurations"]:
        if configuration["type"] == "debugpy":
            assert configuration["python"] == "${workspaceFolder}/.venv/bin/python"
            assert find_spec(configuration["module"])
