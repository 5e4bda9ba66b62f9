"""`make update`: brings the template's last release, or TO=tag, into this project.

Copier merges, as git would, what changed in the template since the release this project is at. What
was changed here too ends with conflict marks, and the exit code is 1. Nothing is committed.
"""

import argparse
import json
import re
import sys

from scripts import template
from scripts.environment import UsageError

MARK = "^<<<<<<< before updating$"


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


def move_home(home: str) -> None:
    """Note and commit that releases come from another address: copier wants it in the file."""
    line = f"_src_path: {json.dumps(home)}"
    text = template.ANSWERS.read_text(encoding="utf-8")
    template.ANSWERS.write_text(re.sub(r"(?m)^_src_path: .*$", lambda _: line, text))
    template.git("add", template.ANSWERS.name)
    template.git("commit", "--quiet", "--message", f"Releases of the template come from {home}")


def conflicts() -> list[str]:
    """Files with two versions in the index or with marks of copier in them, sorted."""
    names = set(template.git("diff", "--name-only", "--diff-filter=U").splitlines())
    changed = template.git("ls-files", "--modified", "--others", "--exclude-standard").splitlines()
    mark = re.compile(MARK.encode(), re.MULTILINE)
    for name in changed:
        path = template.ROOT / name
        if path.is_file() and mark.search(path.read_bytes()):
            names.add(name)
    return sorted(names | {name for name in changed if name.endswith(".rej")})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make update", description=__doc__)
    parser.add_argument("--to", help="a tag of the template, instead of its last release")
    parser.add_argument("--from", dest="home", help="where the template is now")
    options = parser.parse_args(arguments)
    try:
        before, home = answer("_commit"), options.home or answer("_src_path")
        if home == ".":
            raise UsageError("Say where the template is: make update FROM=ADDRESS")
        template.check_clean()
        if home != answer("_src_path"):
            move_home(home)
        ref = [f"--vcs-ref={options.to}"] if options.to else []
        template.copier("update", "--quiet", "--defaults", *ref, str(template.ROOT))
        after, conflicting = answer("_commit"), conflicts()
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    if before == after:
        print(f"This project is at {after}; there is nothing newer.")
        return 0
    print(f"From {before} to {after}.")
    if conflicting:
        print("Changed here and there, so that you decide; look for <<<<<<< in", file=sys.stderr)
        print("\n".join(f"  {name}" for name in conflicting), file=sys.stderr)
        return 1
    print("Look at it with `git diff`, run `make test`, then commit it.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
