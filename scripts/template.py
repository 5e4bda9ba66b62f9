"""`make update` and `make drop`: has the template's own program work on this project.

The program is not kept here: it comes with a clone of the template, as the release has it that is
wanted, and writes nothing but this checkout. Standard library only.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.environment import PROJECT, UsageError

ANSWERS = PROJECT / ".copier-answers.yml"
PROGRAM = Path("scripts", "merge.py")  # of the template
HOSTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}  # as copier shortens them


def git(*arguments: str, cwd: Path = PROJECT, environment: dict[str, str] | None = None) -> str:
    """Return git's output in this checkout. Raises UsageError with what git says when it fails."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def check_clean() -> None:
    """Raise UsageError when there is work that a mistake here could cost."""
    if changed := git("status", "--porcelain").splitlines():
        names = ", ".join(line[3:] for line in changed[:5]) + (", …" if len(changed) > 5 else "")
        raise UsageError(f"There are changes that are not committed ({names}): commit them first.")


def answer(name: str) -> str:
    """The value of one line of the answers file. Raises UsageError when it is not there."""
    try:
        text = ANSWERS.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"{ANSWERS.name} is missing: without it nobody knows where the template is, and which"
            " release this project is at. docs/upkeep.md says how to update with git alone."
        ) from None
    found = re.search(rf"""(?m)^{name}: ["']?(.*?)["']?$""", text)
    if not found:
        raise UsageError(f"{ANSWERS.name} has no line {name}.")
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
    is_drive = re.match(r"[a-zA-Z]:[\\/]", address)  # as Windows writes a folder
    if "://" in address or (re.match(r"([\w.-]+@)?[\w.-]+:", address) and not is_drive):
        return address
    for base in (PROJECT, PROJECT.parent):
        if address != "." and (base / Path(address).expanduser()).exists():
            return str((base / Path(address).expanduser()).resolve())
    raise UsageError(f"The template is not at {home}. Say where it is: add FROM=ADDRESS")


def numbers(tag: str) -> tuple[int, ...]:
    """v1.2.3 as numbers; nothing for what is no release."""
    found = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", tag)
    return tuple(map(int, found.groups())) if found else ()


class Source:
    """A clone of the template in a folder. Raises UsageError when it cannot be had, or read."""

    def __init__(self, folder: Path, home: str) -> None:
        self.folder, self.home = folder, home
        if folder.exists():
            return
        try:
            git("clone", "--quiet", "--no-local", "--no-checkout", locate(home), str(folder))
        except UsageError as error:
            raise UsageError(f"{error}\nHas the template moved? Add FROM=ADDRESS") from None

    def git(self, *arguments: str) -> str:
        return git(*arguments, cwd=self.folder)

    def commit(self, version: str) -> str:
        """Return the commit of a tag, or of what `git describe` says."""
        for name in (version, f"origin/{version}", version.rpartition("-g")[2]):
            try:
                return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
            except UsageError:
                continue
        raise UsageError(f"The template at {self.home} has no release {version}.")

    def lasting_name(self, version: str) -> str:
        """Return what will name the same commit: a tag, or what `git describe` says of a branch."""
        if version in self.git("tag").split():
            return version
        return self.git("describe", "--tags", "--always", self.commit(version)).strip()

    def last_release(self) -> str:
        tags = sorted(filter(numbers, self.git("tag").split()), key=numbers)
        if not tags:
            raise UsageError(f"The template at {self.home} has no releases: name a commit, TO=…")
        return tags[-1]

    def check_out(self, *versions: str) -> None:
        """Check out the first of these versions that has the program."""
        for version in versions:
            self.git("checkout", "--quiet", "--detach", self.commit(version))
            if (self.folder / PROGRAM).exists():
                return
        raise UsageError(f"No program for this project in {' or '.join(versions)} of the template.")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make", description=__doc__)
    parser.add_argument("work", choices=["update", "drop"])
    parser.add_argument("--to", help="a tag of the template, instead of its last release")
    parser.add_argument("--from", dest="home", help="where the template is now")
    parser.add_argument("--modules", default="", help="what to drop, separated by spaces")
    options = parser.parse_args(arguments)
    try:
        if (PROJECT / "copier.yml").exists():
            raise UsageError("This is the template itself: make a project of it with `make new`.")
        before, home = answer("_commit"), options.home or answer("_src_path")
        if git("rev-parse", "--show-prefix").strip():
            raise UsageError("This needs the project at the top of its git repository.")
        check_clean()
        with tempfile.TemporaryDirectory() as folder:
            source = Source(Path(folder, "template"), home)
            wanted = before if options.work == "drop" else options.to or source.last_release()
            source.check_out(wanted, before)
            environment = {**os.environ, "PROJECT_FOLDER": str(PROJECT)}
            command = [sys.executable, "-m", "scripts.merge", *arguments, "--from", home]
            return subprocess.run(command, cwd=source.folder, env=environment).returncode
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
