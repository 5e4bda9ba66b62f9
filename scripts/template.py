"""Writes the files of a project as one version of the template has them, by copier.

Copier is fetched when it is first needed, with hashes, into a folder of its own below .cache/.
"""

import asyncio
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

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


def without_lines(text: str, name: str) -> str:
    """Leave out what is marked as a module's: from `[name]` to `[/name]`, or one line that ends so.

    The marks are comments: `# [name]`, or `<!-- [name] -->` in Markdown.
    """
    start, end = (rf"(?:#|<!--) \[{slash}{name}\](?: -->)?" for slash in ("", "/"))
    block = rf"^[ \t]*{start}\n.*?^[ \t]*{end}\n"
    text = re.sub(rf"(?ms)(?<=\n\n){block}\n|{block}", "", text)
    text = re.sub(rf"(?m)^.*{start}[ |]*\n", "", text)
    return re.sub(r"\n+\Z", "\n", text)


def remove_lines(paths: Iterable[Path], module: str) -> None:
    """Leave out the lines of a module in each of these files that has such."""
    mark = f"[{module}]".encode()
    for path in paths:
        if path.is_file() and path.suffix != ".jinja" and mark in path.read_bytes():
            path.write_text(without_lines(path.read_text(encoding="utf-8"), module), "utf-8")


def remove_links(page: Path) -> None:
    """Leave the words of links in a Markdown page that lead to what a project is without."""

    def keep(link: re.Match[str]) -> str:
        there = "://" in link[2] or (page.parent / link[2]).exists()
        return link[0] if there else link[1]

    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r"(?<!!)\[([^]\n]*)\]\(([^)#\s]+)(?:#[^)\s]*)?\)", keep, text), "utf-8")


def left_out(answers: str) -> list[str]:
    """Return the modules that a project is without, by the text of its answers file."""
    listed = re.search(r"(?m)^without:((?:\n- .*)*)", answers)
    return re.findall(r"(?m)^- (.+)$", listed[1]) if listed else []


def at_home(answers: str, home: str) -> str:
    """Return the text of an answers file that says where later releases come from."""
    line = f"_src_path: {json.dumps(home)}"
    return re.sub(r"(?m)^_src_path: .*$", lambda _: line, answers)


def render(source: Path, version: str, target: Path, *data: str) -> str:
    """Write the files of a project, and return the text of its answers file.

    data: copier's options with the answers, of which those that are missing have their defaults.
    """
    copier("copy", "--quiet", "--defaults", f"--vcs-ref={version}", *data, str(source), str(target))
    answers = (target / ANSWERS.name).read_text(encoding="utf-8")
    if not (target / "scripts" / "new.py").exists():  # only the template has it
        for module in (*left_out(answers), "template"):
            remove_lines(target.rglob("*"), module)
        for page in target.rglob("*.md"):
            remove_links(page)
    return answers


async def _install() -> None:
    installation = Installation(page=False, build=False)
    wanted = digest([REQUIREMENTS], platform.machine() + platform.system(), sys.version)

    async def install(_half_done: bool) -> None:
        shutil.rmtree(FOLDER, ignore_errors=True)
        target = ["--python", sys.executable, "--target", str(FOLDER)]
        await installation.uv_pip("install", *target, "-r", str(REQUIREMENTS), step="copier")

    await installation.uv.do()
    await Step("copier", CACHE / "stamps" / "template", wanted, install).do()
