"""A Docker engine and the image. Without an engine the tests are skipped."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.guide import commands
from tests.stack import ROOT

BASES = ("python", "node", "postgres", "redis")
PULLED = "python:3.13-slim-trixie"  # when it can be had, so can the others
IMAGE = "app:under-test"


def run(*command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run; raise with what it printed when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert not check or done.returncode == 0, (
        f"{command}:\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
    )
    return done


def docker(*arguments: str, check: bool = True) -> str:
    return run("docker", *arguments, check=check).stdout.strip()


def answers() -> bool:
    return bool(shutil.which("docker")) and run("docker", "info", check=False).returncode == 0


def kit() -> Path | None:
    """The folder that DOCKER_KIT names, with `start-engine`, `stop-engine` and `make-base-images`.

    It starts an engine where none runs, and makes base images where there is no registry.
    """
    folder = os.environ.get("DOCKER_KIT")
    return Path(folder) if folder else None


_started: list[Path] = []


def engine(*more_bases: str) -> None:
    """Make sure that an engine answers, or skip and say why.

    more_bases: what the test builds upon besides BASES, as the kit calls it.
    """
    if why := _what_is_missing(*more_bases):
        pytest.skip(why)


@cache
def _what_is_missing(*more_bases: str) -> str:
    """A sentence that says why nothing can be built or run here; empty when it can."""
    found = kit()
    if not answers():
        if not found:
            return "no Docker engine answers, and DOCKER_KIT names nothing that starts one"
        started = run(str(found / "start-engine"), check=False)
        if started.returncode:
            return f"the kit could not start an engine: {started.stderr.strip()[-300:]}"
        _started.append(found)
    # Where the kit's stand-ins are in use, or its engine is new, there is no registry to pull from.
    stand_ins = docker("images", "--quiet", "--filter", "label=stand-in=1")
    if found and (stand_ins or not docker("images", "--quiet")):
        made = run(str(found / "make-base-images"), *BASES, *more_bases, check=False)
        if made.returncode:
            return f"the kit could not make the base images: {made.stderr.strip()[-300:]}"
    elif run("docker", "image", "inspect", PULLED, check=False).returncode:
        pulled = run("docker", "pull", "--quiet", PULLED, check=False)
        if pulled.returncode:
            return f"{PULLED} cannot be pulled: {pulled.stderr.strip()[-300:]}"
    return ""


def stop_engine() -> None:
    """Stop the engine if it is ours. Its images stay, so the next start is fast."""
    while _started:
        run(str(_started.pop() / "stop-engine"), check=False)


@cache
def image() -> str:
    """Build the image under test, as docs/deploy.md says; return its id."""
    engine()
    if given := os.environ.get("IMAGE_UNDER_TEST"):
        docker("tag", given, IMAGE)
    else:
        build = commands("build").replace("--tag app", f"--tag {IMAGE}")
        run("bash", "-euo", "pipefail", "-c", build, cwd=ROOT)
    return docker("image", "inspect", "--format", "{{.Id}}", IMAGE)
