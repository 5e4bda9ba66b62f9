"""A copy of the repository to change and to try, with the installed packages of this one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT


def copy_of_the_sources(target: Path) -> Path:
    """What git would commit of this repository, in a folder that is made."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def copy_of_the_tree(target: Path) -> Path:
    """What somebody has who has just cloned the repository, with the packages of this one."""
    copy_of_the_sources(target)
    # Node, when the machine has none; what has been done is each tree's own.
    (target / ".cache").mkdir()
    for source in (ROOT / ".cache").iterdir():
        if source.name == "stamps":
            shutil.copytree(source, target / ".cache" / "stamps")
        elif source.is_dir():
            (target / ".cache" / source.name).symlink_to(source)
        elif source.suffix == ".tsbuildinfo":
            shutil.copy2(source, target / ".cache")
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


def execute(directory: Path, *command: str) -> str:
    """Run a command as a person would who is in that folder; return what it printed."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment_of_a_person(),
        stdin=subprocess.DEVNULL,  # nobody is there to be asked
        capture_output=True,
        text=True,
    )
    said = done.stdout[-6000:] + done.stderr[-3000:]
    assert done.returncode == 0, f"{' '.join(command)}\n{said}"
    return done.stdout


def run(directory: Path, *arguments: str) -> str:
    """Run a module of Python there."""
    return execute(directory, sys.executable, "-m", *arguments)
