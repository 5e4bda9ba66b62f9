"""Writes the files of a project as one version of the template has them, by copier.

Only the template has this. Copier is fetched when it is first needed, with hashes, into a folder of
its own below .cache/.
"""

import asyncio
import json
import os
import platform
import posixpath
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from scripts.environment import CACHE, ROOT, UsageError
from scripts.install import Installation, Step, digest, only_one
from scripts.template import ANSWERS

REQUIREMENTS = ROOT / "requirements" / "template.txt"
FOLDER = CACHE / "template"


class Module(NamedTuple):
    """A row of modules.toml."""

    paths: tuple[str, ...]
    tables: str = ""
    needs: tuple[str, ...] = ()
    promised: bool = False


def read_modules(root: Path) -> dict[str, Module]:
    """Return the modules of a project or of the template by name; none where it has no list."""
    file = root / "scripts" / "modules.toml"
    rows = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {
        name: Module(
            tuple(row["paths"]),
            row.get("tables", ""),
            tuple(row.get("needs", ())),
            row.get("promised", False),
        )
        for name, row in rows.items()
    }


def named_files(modules: dict[str, Module], without: Iterable[str]) -> tuple[str, ...]:
    """Return the files of modules that are left out which no page names any more."""
    left = [modules[name] for name in without if name in modules]
    return tuple(path for module in left if not module.promised for path in module.paths)


def check_needs(modules: dict[str, Module], without: Iterable[str]) -> None:
    """Raise UsageError when a module would stay that needs one that is left out."""
    for name, module in modules.items():
        missing = [needed for needed in module.needs if needed in without and name not in without]
        if missing:
            raise UsageError(f"{name} needs {missing[0]}: leave out both, or none.")


def home() -> str:
    """Return the source of later releases: the origin of this clone, or nothing if unknown.

    As it was given, and not as this machine's git rewrites it, perhaps with a token.
    """
    done = subprocess.run(
        ["git", "config", "--get", "remote.origin.url"], cwd=ROOT, capture_output=True, text=True
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


def without_mentions(text: str, page: str, files: tuple[str, ...]) -> str:
    """Leave out the lines of Markdown that name files of a module, in links or code, and no others.

    A row of a table, an item of a list or a paragraph of one line goes; a block of code stays. In
    YAML an item of a list goes that is the path of such a file, or a step that uses such an action.

    page: the path of the text from the root.
    """
    in_code = False

    def stays(line: str) -> bool:
        nonlocal in_code
        if line.startswith("```"):
            in_code = not in_code
        if page.endswith(".yml"):
            named = re.findall(r"^\s*- (?:uses: \./)?([\w./-]+)(?: +#.*)?$", line)
        elif in_code:
            named = []
        else:
            folder = posixpath.dirname(page)
            links = re.findall(r"\]\(([^)#\s]+)", line)
            named = [posixpath.normpath(posixpath.join(folder, link)) for link in links]
            named += [path for path in re.findall(r"`([\w.-]+/[\w./-]*)", line) if _is_path(path)]
        return not named or not all(is_below(path, files) for path in named)

    kept: list[str] = []
    lines = text.splitlines(keepends=True)
    for line, following in zip(lines, [*lines[1:], "\n"], strict=True):
        if stays(line):
            kept.append(line)
        elif kept and kept[-1] == following == "\n":
            kept.pop()  # a paragraph goes with the empty line before it
    return "".join(kept)


def _is_path(text: str) -> bool:
    return (ROOT / text.partition("/")[0]).is_dir()


def is_below(path: str, files: Iterable[str]) -> bool:
    """Return whether a path is one of these files, or in a folder of them."""
    return any(PurePosixPath(path).is_relative_to(file) for file in files)


def remove_lines(
    root: Path, names: Iterable[str], modules: Iterable[str], files: tuple[str, ...]
) -> None:
    """Leave out the lines of modules, whose files these are, in each of the named files."""
    for name in names:
        path = root / name
        if not path.is_file() or path.is_symlink() or path.suffix == ".jinja":
            continue
        content = path.read_bytes()
        for module in modules:
            if f"[{module}]".encode() in content:
                content = without_lines(content.decode(), module).encode()
        if path.suffix in {".md", ".yml"}:
            content = without_mentions(content.decode(), name, files).encode()
        if content != path.read_bytes():
            path.write_bytes(content)


def remove_links(root: Path, page: Path, files: tuple[str, ...] = ()) -> None:
    """Leave the words of links in a Markdown page that lead to what a project is without.

    files: only links to these; without, to all that is not there.
    """

    def keep(link: re.Match[str]) -> str:
        there = "://" in link[2] or (page.parent / link[2]).exists()
        path = posixpath.normpath(page.parent.relative_to(root).joinpath(link[2]).as_posix())
        return link[0] if there or (files and not is_below(path, files)) else link[1]

    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r"(?<!!)\[([^]\n]*)\]\(([^)#\s]+)(?:#[^)\s]*)?\)", keep, text), "utf-8")


def left_out(answers: str) -> list[str]:
    """Return the modules that a project is without, by the text of its answers file."""
    listed = re.search(r"(?m)^without:((?:\n- .*)*)", answers)
    return re.findall(r"(?m)^- (.+)$", listed[1]) if listed else []


def at_home(answers: str, home: str) -> str:
    """Return the text of an answers file that says where later releases come from.

    It is committed: without the token or password that a URL may have.
    """
    public = re.sub(r"^((?:git\+)?https?://)[^/@]*@", r"\1", home)
    public = re.sub(r"^([a-z+]+://[^/@:]*):[^/@]*@", r"\1@", public)
    line = f"_src_path: {json.dumps(public)}"
    return re.sub(r"(?m)^_src_path: .*$", lambda _: line, answers)


def render(source: Path, version: str, target: Path, *data: str) -> str:
    """Write the files of a project, and return the text of its answers file.

    data: copier's options with the answers, of which those that are missing have their defaults.
    """
    copier("copy", "--quiet", "--defaults", f"--vcs-ref={version}", *data, str(source), str(target))
    answers = (target / ANSWERS.name).read_text(encoding="utf-8")
    if not (target / "scripts" / "new.py").exists():  # only the template has it
        without, modules = left_out(answers), read_modules(target)
        files = named_files(modules, without)
        names = [path.relative_to(target).as_posix() for path in target.rglob("*")]
        remove_lines(target, names, [*without, "template"], files)
        for page in target.rglob("*.md"):
            remove_links(target, page)
    return answers


def write_answers(version: str) -> None:
    """Say in the template's own answers file which release it is, for its clones."""
    text = re.sub(r"(?m)^_commit: .*$", f"_commit: v{version}", ANSWERS.read_text(encoding="utf-8"))
    ANSWERS.write_text(at_home(text, home()), encoding="utf-8")


async def _install() -> None:
    installation = Installation(page=False, build=False)
    wanted = digest([REQUIREMENTS], platform.machine() + platform.system(), sys.version)

    async def install(_half_done: bool) -> None:
        shutil.rmtree(FOLDER, ignore_errors=True)
        target = ["--python", sys.executable, "--target", str(FOLDER)]
        await installation.uv_pip("install", *target, "-r", str(REQUIREMENTS), step="copier")

    await installation.uv.do()
    await Step("copier", CACHE / "stamps" / "template", wanted, install).do()
