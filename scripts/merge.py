"""Brings a release of the template into a project, or takes modules away (scripts/template.py).

The files of the project are written twice, as it should be and as it should become: by the release
it is at and by the later one, or with modules and without them. Git picks the difference, as it
would pick a commit, and follows files that were renamed on one side. Nothing is committed. What you
have to decide makes the exit code 1.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from scripts import render, template
from scripts.environment import PROJECT, ROOT, UsageError
from scripts.template import ANSWERS, Source, git, numbers

OPTIONS = (
    *("merge.renames=true", "merge.renameLimit=20000", "merge.directoryRenames=conflict"),
    *("merge.conflictStyle=merge", "status.renames=true"),
)
MERGE = [word for option in OPTIONS for word in ("-c", option)]


def is_newer(source: Source, before: str, after: str) -> bool:
    return bool(source.git("rev-list", "--max-count=1", f"{before}..{after}"))


def news(source: Source, before: str, after: str) -> str:
    """Return the changelog between two releases, or the commits where it has none."""
    first, last = source.commit(before), source.commit(after)
    known = numbers(re.sub(r"-\d+-g[0-9a-f]+$", "", before))  # or the release before it
    try:
        text = source.git("show", f"{last}:CHANGELOG.md")
    except UsageError:
        text = ""
    between = [
        section
        for section in re.split(r"(?m)^(?=## )", text)
        if known and known < numbers((section[2:].split() or [""])[0]) <= numbers(after)
    ]
    commits = source.git("log", "--no-merges", "--format=- %s", f"{first}..{last}")
    return ("".join(between) or commits).strip()


def write_commit(files: Path, message: str, parent: str = "") -> str:
    """Put these files into this project's git as a commit of their own; no branch knows of it."""
    git_dir = git("rev-parse", "--absolute-git-dir").strip()
    who = {"NAME": "template", "EMAIL": "template@localhost", "DATE": "2000-01-01T00:00:00Z"}
    environment = os.environ | {"GIT_DIR": git_dir, "GIT_WORK_TREE": str(files)}
    environment |= {f"GIT_{role}_{key}": value
                    for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}  # fmt: skip
    environment["GIT_INDEX_FILE"] = f"{files}.index"

    def git_there(*arguments: str) -> str:
        return git(*arguments, cwd=files, environment=environment).strip()

    git_there("add", "--all", "--force", ".")
    parents = ["-p", parent] if parent else []
    return git_there("commit-tree", git_there("write-tree"), *parents, "-m", message)


def names(*arguments: str) -> list[str]:
    return [name for name in git(*arguments, "-z").split("\0") if name]


def pick(before: str, after: str) -> dict[str, list[str]]:
    """Merge the difference of two commits of the template into the files that are here.

    Returns:
        Files by what became of them, those that git could not merge by what is to be decided, and
        under `why` what it says of files that were moved.
    """
    mine = set(names("diff", "--name-only", "--no-renames", before, "HEAD"))
    diff = names(*MERGE, "diff", "-l20000", "--diff-filter=R", "--name-status", before, "HEAD")
    there = dict(zip(diff[2::3], diff[1::3], strict=True))  # of what was renamed here
    done = subprocess.run(
        ["git", *MERGE, "cherry-pick", "--no-commit", "--allow-empty", after],
        cwd=PROJECT, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True,
    )  # fmt: skip
    state, had = {}, {}
    entries = iter(names(*MERGE, "status", "--porcelain"))
    for entry in entries:
        state[entry[3:]] = entry[:2]
        if entry[0] == "R":
            had[entry[3:]] = next(entries)
    if done.returncode and not any("U" in code or code in {"AA", "DD"} for code in state.values()):
        raise UsageError(f"git could not merge: {done.stderr.strip()}")
    became: dict[str, list[str]] = {key: [] for key in TITLES}
    reasons = re.findall(r"(?m)^CONFLICT \((?!content|add/add|modify/delete).*", done.stdout)
    became["why"] = [reason.replace(f" {after}", " the template") for reason in reasons]
    for name, code in sorted(state.items()):
        if code == "DU":  # deleted here; whoever deleted it meant it
            git("rm", "--quiet", "--force", "--", name)
            became["left"].append(name)
        elif code == "UD":
            became["gone"].append(name)
        elif code in {"UA", "AU", "DD"}:
            became["moved"].append(name)
        elif "U" in code or code == "AA":
            path = PROJECT / name
            has_marks = path.is_file() and b"<<<<<<<" in path.read_bytes()
            became["decide" if has_marks else "whole"].append(name)
        else:
            line = f"{code[0]} {had[name]} → {name}" if name in had else f"{code[0]} {name}"
            line += f" ({there[name]} of the template)" if name in there else ""
            became["merged" if {name, had.get(name)} & mine else "taken"].append(line)
    return became


TITLES = {
    "taken": "Taken from the template (A: new, M: changed, D: deleted, R: renamed)",
    "merged": "Merged with what you changed",
    "left": "Not taken, as you have deleted it and the template changed it",
    "gone": "Decide: you changed it, the template deleted it. Keep it (git add) or not (git rm)",
    "decide": "Decide: changed by you and by the template. Look for <<<<<<<, then git add",
    "whole": "Decide: changed by you and by the template, and no text. Yours is there; git checkout"
    " --theirs FILE takes the template's. Then git add",
    "moved": "Decide: renamed on both sides, or in a folder that was. git add or git rm each",
    "why": "What git says of these",
}
TO_DECIDE = ("gone", "decide", "whole", "moved")


def report(became: dict[str, list[str]]) -> int:
    """Print what became of which file. Return 1 when somebody has to decide."""
    for key, title in TITLES.items():
        if became[key]:
            print(f"\n{title}:")
            print("\n".join(f"  {name}" for name in became[key]))
    if any(became[key] for key in TO_DECIDE):
        print(
            "\nDecide about the last ones, then look at it with `git diff HEAD`, run `make test`"
            " and commit it.\nTo have it all undone: git reset --hard",
            file=sys.stderr,
        )
        return 1
    print("\nLook at it with `git diff HEAD`, run `make test`, then commit it.")
    return 0


def write(source: Source, before: str, after: str, *data: str) -> dict[str, list[str]]:
    """Bring the difference of two releases here, and note it in the answers file.

    data: copier's options with answers that are to be others from now on.
    """
    project = tomllib.loads((PROJECT / "project.toml").read_text(encoding="utf-8"))
    picked, answers = "", ""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "answers.yml")
        text = ANSWERS.read_text(encoding="utf-8")
        given.write_text(re.sub(r"(?m)^_.*\n", "", text), encoding="utf-8")
        had = (f"--data-file={given}", f"--data=slug={project['slug']}")
        for name, version, more in (("before", before, ()), ("after", after, data)):
            made = Path(folder, name)
            commit = source.commit(version)
            answers = render.render(source.folder, commit, made, *had, *more)
            (made / ANSWERS.name).unlink()
            picked = write_commit(made, f"Update from the template to {version}", picked)
    became = pick(f"{picked}^", picked)
    noted = source.lasting_name(after)
    answers = re.sub(r"(?m)^_commit: .*$", lambda _: f"_commit: {noted}", answers)
    ANSWERS.write_text(render.at_home(answers, source.home), encoding="utf-8")
    git("add", ANSWERS.name)
    return became


def update(source: Source, to: str) -> int:
    """Bring a release here, the last one unless one is named. Return the exit code."""
    before, after = template.answer("_commit"), to or source.last_release()
    source.commit(after)
    if not to and not is_newer(source, source.commit(before), after):
        print(f"This project is at {before}; there is nothing newer.")
        return 0
    what_is_new = news(source, before, after)
    became = write(source, before, after)
    print(f"From {before} to {after}.\n\n{what_is_new}")
    return report(became)


def drop(source: Source, names: list[str]) -> int:
    """Take modules away, and what was changed in their folders. Return the exit code."""
    modules = render.read_modules(ROOT)
    if not names or (unknown := [name for name in names if name not in modules]):
        raise UsageError(
            (f"There is no module {unknown[0]}. " if names else "")
            + f"Say which: make drop MODULES=…, of {' or '.join(modules)}."
        )
    without = list(dict.fromkeys([*render.left_out(ANSWERS.read_text("utf-8")), *names]))
    render.check_needs(modules, without)
    at = template.answer("_commit")
    became = write(source, at, at, f"--data=without={json.dumps(without)}")
    paths = [path for name in names for path in modules[name].paths]
    git("rm", "-r", "--force", "--quiet", "--ignore-unmatch", "--", *paths)
    for path in paths:  # what git does not know of
        shutil.rmtree(PROJECT / path, ignore_errors=True)
    for key in TO_DECIDE:
        became[key] = [name for name in became[key] if not render.is_below(name, paths)]
    print(f"Without {', '.join(names)}.")
    for app in filter(None, (modules[name].tables for name in names)):
        print(f"Databases keep the tables of {app}: see “Dropping a module” in docs/upkeep.md.")
    return report(became | {"taken": []})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make")
    parser.add_argument("work", choices=["update", "drop"])
    parser.add_argument("--to", default="")
    parser.add_argument("--from", dest="home", required=True)
    parser.add_argument("--modules", default="")
    options = parser.parse_args(arguments)
    source = Source(ROOT, options.home)
    try:
        if options.work == "drop":
            return drop(source, options.modules.split())
        return update(source, options.to)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
