"""What helps people who change the code is true: launch configurations, the rule of subjects."""

import json
import re
from importlib.util import find_spec

import pytest
import yaml

from tests.stack import ROOT

WHY = "\n\nBecause a name of dots alone has no slug.\n"


@pytest.mark.parametrize(
    ("message", "refused_by"),
    [
        ("Refuse names without a letter" + WHY, set()),
        ("ü" * 72 + WHY, set()),
        ("ü" * 73 + WHY, {"subject"}),
        ("X" * 73 + WHY, {"subject"}),
        ("Refused names without a letter" + WHY, {"imperative"}),
        ("Refusing names without a letter" + WHY, {"imperative"}),
        ("refuse names without a letter" + WHY, {"imperative"}),
        ("Embed the page" + WHY, set()),
        ("Refuse names without a letter\n", {"body"}),
        ("Refuse names\n\n# Please enter the commit message\n#\n# On branch x\n", {"body"}),
        ("Merge branch 'x'\n", set()),
        ("fixup! Refuse names\n", set()),
        ("Release 1.2.0\n", set()),
    ],
)
def test_hooks_refuse_what_is_no_commit_message(message: str, refused_by: set[str]) -> None:
    """pre-commit is not installed here: this is what its pygrep does with a hook's pattern."""
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert settings["default_stages"] == ["pre-commit"], "the others would run for messages too"
    hooks = [hook for hook in settings["repos"][0]["hooks"] if hook["language"] == "pygrep"]
    assert all(hook["args"] == ["--multiline"] for hook in hooks)
    assert all(hook["stages"] == ["commit-msg"] for hook in hooks)
    refusing = {
        hook["id"]
        for hook in hooks
        if re.search(hook["entry"].encode(), message.encode(), re.MULTILINE | re.DOTALL)
    }
    assert refusing == refused_by


def test_launch_configurations_start_what_there_is() -> None:
    launch = json.loads((ROOT / ".vscode" / "launch.json").read_text())
    names = " ".join(configuration["name"] for configuration in launch["configurations"]).lower()
    assert all(word in names for word in ("web", "worker", "tests", "page"))
    for configuration in launch["configurations"]:
        if configuration["type"] == "debugpy":
            assert configuration["python"] == "${workspaceFolder}/.venv/bin/python"
            assert find_spec(configuration["module"])
