"""`make update`: brings the template's last release, or TO=tag, into this project.

The files of a project with these answers are written twice, as the release this project is at has
them and as the later one has them; git picks the difference, as it would pick a commit, and follows
files that were renamed on one side. Nothing is committed. What you have to decide makes the exit
code 1.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from scripts import template
from scripts.environment import ROOT, UsageError

HOSTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}  # as copier shortens them
OPTIONS = (
    *("merge.renames=true", "merge.renameLimit=20000", "merge.directoryRenames=conflict"),
    *("merge.conflictStyle=merge", "status.renames=true"),
)
MERGE = [word for option in OPTIONS for word in ("-c", option)]


def answer(name: str) -> str:
    """The value of one line of the answers file. Raises UsageError when it is not there."""
    try:
        text = template.ANSWERS.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"{template.ANSWERS.name} is missing: without it nobody knows which release this"
            " project is at. docs/upkeep.md says how to update with git alone."
        ) from None
    found = re.search(rf"""(?m)^{name}: ["']?(.*?)["']?$""", text)
    if not found:
        raise UsageError(f"{template.ANSWERS.name} has no line {name}.")
    return found[1]


def locate(home: str) -> str:
    """Return the template's address as git takes it: a folder may be relative, also to our parent.

    Raises:
        UsageError: it is a folder, and there is none.
    """
    address = home.removeprefix("git+")
    for short, host in HOSTS.items():
        if address.startswith(short):
            return host + address.removeprefix(short)
    if "://" in address or re.match(r"[\w.-]+@[\w.-]+:", address):
        return address
    for base in (ROOT, ROOT.parent):
        if address != "." and (base / Path(address).expanduser()).exists():
            return str((base / Path(address).expanduser()).resolve())
    raise UsageError(f"The template is not at {home}. Say where it is: make update FROM=ADDRESS")


def numbers(tag: str) -> tuple[int, ...]:
    """v1.2.3 as numbers; nothing for what is no release."""
    found = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", tag)
    return tuple(map(int, found.groups())) if found else ()


class Source:
    """A clone of the template, to read from."""

    def __init__(self, folder: Path, home: str) -> None:
        self.folder, self.home = folder, home
        try:
            template.git("clone", "--quiet", "--no-local", locate(home), str(folder))
        except UsageError as error:
            raise UsageError(f"{error}\nHas the template moved? make update FROM=ADDRESS") from None

    def git(self, *arguments: str) -> str:
        return template.git("-C", str(self.folder), *arguments)

    def commit(self, version: str) -> str:
        """Return the commit of a tag, or of what `git describe` says. Raises UsageError."""
        for name in (version, f"origin/{version}", version.rpartition("-g")[2]):
            try:
                return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
            except UsageError:
                continue
        raise UsageError(f"The template at {self.home} has no release {version}.")

    def last_release(self) -> str:
        tags = sorted(filter(numbers, self.git("tag").split()), key=numbers)
        if not tags:
            raise UsageError(f"The template at {self.home} has no releases: name a commit, TO=…")
        return tags[-1]

    def is_newer(self, before: str, after: str) -> bool:
        return bool(self.git("rev-list", "--max-count=1", f"{before}..{after}"))

    def news(self, before: str, after: str) -> str:
        """What the changelog says of the releases between two, or the commits where it has none."""
        first, last = self.commit(before), self.commit(after)
        known = numbers(re.sub(r"-\d+-g[0-9a-f]+$", "", before))  # or the release before it
        try:
            text = self.git("show", f"{last}:CHANGELOG.md")
        except UsageError:
            text = ""
        between = [
            section
            for section in re.split(r"(?m)^(?=## )", text)
            if known and known < numbers((section[2:].split() or [""])[0]) <= numbers(after)
        ]
        commits = self.git("log", "--no-merges", "--format=- %s", f"{first}..{last}")
        return ("".join(between) or commits).strip()


def write_commit(files: Path, message: str, parent: str = "") -> str:
    """Put these files into this project's git as a commit of their own; no branch knows of it."""
    git_dir = template.git("rev-parse", "--absolute-git-dir").strip()
    who = {"NAME": "template", "EMAIL": "template@localhost", "DATE": "2000-01-01T00:00:00Z"}
    environment = os.environ | {"GIT_DIR": git_dir, "GIT_WORK_TREE": str(files)}
    environment |= {f"GIT_{role}_{key}": value
                    for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}  # fmt: skip
    environment["GIT_INDEX_FILE"] = f"{files}.index"

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=files, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise UsageError(f"git {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    git("add", "--all", "--force", ".")
    parents = ["-p", parent] if parent else []
    return git("commit-tree", git("write-tree"), *parents, "-m", message)


def names(*arguments: str) -> list[str]:
    return [name for name in template.git(*arguments, "-z").split("\0") if name]


def pick(before: str, after: str) -> dict[str, list[str]]:
    """Merge the difference of two commits of the template into the files that are here.

    Returns:
        Files by what became of them; under `decide` those that git could not merge.
    """
    mine = set(names("diff", "--name-only", "--no-renames", before, "HEAD"))
    done = subprocess.run(
        ["git", *MERGE, "cherry-pick", "--no-commit", "--allow-empty", after],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    state, had = {}, {}
    entries = iter(names(*MERGE, "status", "--porcelain"))
    for entry in entries:
        state[entry[3:]] = entry[:2]
        if entry[0] == "R":
            had[entry[3:]] = next(entries)
    if done.returncode and not any("U" in code or code in {"AA", "DD"} for code in state.values()):
        raise UsageError(f"git could not merge: {done.stderr.strip()}")
    became: dict[str, list[str]] = {"taken": [], "merged": [], "left": [], "gone": [], "decide": []}
    for name, code in sorted(state.items()):
        if code == "DU":  # deleted here; whoever deleted it meant it
            template.git("rm", "--quiet", "--force", "--", name)
            became["left"].append(name)
        elif code == "UD":
            became["gone"].append(name)
        elif "U" in code or code in {"AA", "DD"}:
            became["decide"].append(name)
        else:
            line = f"{code[0]} {had[name]} → {name}" if name in had else f"{code[0]} {name}"
            became["merged" if {name, had.get(name)} & mine else "taken"].append(line)
    return became


TITLES = {
    "taken": "Taken from the template (A: new, M: changed, D: deleted, R: renamed)",
    "merged": "Merged with what you changed",
    "left": "Not taken, as you have deleted it and the template changed it",
    "gone": "Decide: you changed it, the template deleted it. Keep it (git add) or not (git rm)",
    "decide": "Decide: changed by you and by the template. Look for <<<<<<<, then git add",
}


def report(became: dict[str, list[str]]) -> int:
    """Print what became of which file. Return 1 when somebody has to decide."""
    for key, title in TITLES.items():
        if became[key]:
            print(f"\n{title}:")
            print("\n".join(f"  {name}" for name in became[key]))
    if became["gone"] or became["decide"]:
        print(
            "\nDecide about the last ones, then look at it with `git diff HEAD`, run `make test`"
            " and commit it.\nTo have it all undone: git reset --hard",
            file=sys.stderr,
        )
        return 1
    print("\nLook at it with `git diff HEAD`, run `make test`, then commit it.")
    return 0


def update(source: Source, before: str, after: str, folder: Path) -> dict[str, list[str]]:
    """Bring the files of a release here, and note in the answers file that they are."""
    given = folder / "answers.yml"
    text = template.ANSWERS.read_text(encoding="utf-8")
    given.write_text(re.sub(r"(?m)^_.*\n", "", text), encoding="utf-8")
    project = tomllib.loads((ROOT / "project.toml").read_text(encoding="utf-8"))
    data = (f"--data-file={given}", f"--data=slug={project['slug']}")
    picked, answers = "", ""
    for version in (before, after):
        made = folder / version.replace("/", "-")
        answers = template.render(source.folder, source.commit(version), made, *data)
        (made / template.ANSWERS.name).unlink()
        picked = write_commit(made, f"Update from the template to {version}", picked)
    became = pick(f"{picked}^", picked)
    answers = re.sub(r"(?m)^_commit: .*$", lambda _: f"_commit: {after}", answers)
    template.ANSWERS.write_text(template.at_home(answers, source.home), encoding="utf-8")
    template.git("add", template.ANSWERS.name)
    return became


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make update", description=__doc__)
    parser.add_argument("--to", help="a tag of the template, instead of its last release")
    parser.add_argument("--from", dest="home", help="where the template is now")
    options = parser.parse_args(arguments)
    try:
        before, home = answer("_commit"), options.home or answer("_src_path")
        if template.git("rev-parse", "--show-prefix").strip():
            raise UsageError("make update needs the project at the top of its git repository.")
        template.check_clean()
        with tempfile.TemporaryDirectory() as folder:
            source = Source(Path(folder, "template"), home)
            after = options.to or source.last_release()
            source.commit(after)
            if not options.to and not source.is_newer(source.commit(before), after):
                print(f"This project is at {before}; there is nothing newer.")
                return 0
            news = source.news(before, after)
            became = update(source, before, after, Path(folder))
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"From {before} to {after}.\n\n{news}")
    return report(became)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
