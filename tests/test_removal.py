"""Removing a feature is `rm -r` of its folders: what is left builds and passes its tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_django.utils.features import find_features
from tests.stack import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FEATURES = sorted({path.split(".")[1] for path in find_features()})


def copy_of_the_tree(target: Path) -> Path:
    """What somebody has who has just cloned the repository, with the packages of this one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    # Node, when the machine has none; what has been done is each tree's own.
    (target / ".cache").mkdir()
    for source in (ROOT / ".cache").iterdir():
        if source.name != "stamps":
            (target / ".cache" / source.name).symlink_to(source)
    shutil.copytree(ROOT / ".cache" / "stamps", target / ".cache" / "stamps")
    for name in (".venv", "frontend_vue/node_modules"):
        (target / name).symlink_to(ROOT / name)
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)  # some rules read what is tracked
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)
    return target


def environment_of_a_person() -> dict[str, str]:
    """What a shell has in which no test runs."""
    of_the_suite = ("DJANGO_", "PYTEST_", "TESTS_", "PYTHONPATH", "MAKE", "MFLAGS")
    servers = {"DATABASE_URL", "REDIS_URL", "MEDIA_ROOT", "PROCESSING_WORK_DIR"}
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(of_the_suite) and name not in servers
    }


def run(directory: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=directory, env=environment_of_a_person(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("feature", FEATURES)
def test_tree_without_the_feature_passes(feature: str, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    for folder in ("backend_django", "frontend_vue/src/features", "requirements"):
        shutil.rmtree(tree / folder / feature, ignore_errors=True)
    # What looks at the whole of the tree; `make test-template` runs everything.
    whole = ["tests/api/test_contract.py", "tests/pages", "tests/security"]
    whole += [path.relative_to(tree).as_posix() for path in (tree / "tests").glob("test_*.py")]
    assert " passed" in run(
        tree, "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *whole
    )
    for script in ("check", "build"):
        run(tree, "scripts.node", "npm", "run", script)
