"""Runs copier, which knows how a project is made of the template and updated from it.

Copier is fetched when it is first needed, with hashes, into a folder of its own below .cache/.
"""

import asyncio
import os
import platform
import shutil
import subprocess
import sys

from scripts.environment import CACHE, ROOT, UsageError
from scripts.install import Installation, Step, digest, only_one

REQUIREMENTS = ROOT / "requirements" / "template.txt"
FOLDER = CACHE / "template"
ANSWERS = ROOT / ".copier-answers.yml"


def git(*arguments: str) -> str:
    """What git prints in this checkout. Raises UsageError with what git says when it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def check_clean() -> None:
    """Raise UsageError when there is work that a mistake here could cost."""
    if changed := git("status", "--porcelain").splitlines():
        names = ", ".join(line[3:] for line in changed[:5]) + (", …" if len(changed) > 5 else "")
        raise UsageError(f"There are changes that are not committed ({names}): commit them first.")


def home() -> str:
    """Where later releases come from: what this clone was cloned from, or nothing that is known."""
    done = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True
    )
    address = done.stdout.strip() or "."
    known = "://" not in address or address.startswith(("git+", "git://"))
    return address if known else f"git+{address}"  # copier takes few addresses for git's without it


def copier(*arguments: str) -> None:
    """Run copier's command line. Raises UsageError with its last line when it fails."""
    with only_one():
        asyncio.run(_install())
    command = [sys.executable, "-W", "ignore", "-m", "copier", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        reason = said[-1] if said else f"copier ended with {done.returncode}"
        raise UsageError(reason.removeprefix("ValueError: "))


async def _install() -> None:
    installation = Installation(page=False, build=False)
    wanted = digest([REQUIREMENTS], platform.machine() + platform.system(), sys.version)

    async def install(_half_done: bool) -> None:
        shutil.rmtree(FOLDER, ignore_errors=True)
        target = ["--python", sys.executable, "--target", str(FOLDER)]
        await installation.uv_pip("install", *target, "-r", str(REQUIREMENTS), step="copier")

    await installation.uv.do()
    await Step("copier", CACHE / "stamps" / "template", wanted, install).do()
