"""`make release VERSION=1.2.0`: version, changelog and tag of a release, in one commit.

Nothing is pushed. In the template itself the answers file says the release as well, so that a clone
knows where it started from.
"""

import datetime
import re
import subprocess
import sys
from importlib import import_module

from scripts import schema, template
from scripts.environment import ROOT, UsageError

PROJECT = ROOT / "project.toml"
CHANGELOG = ROOT / "CHANGELOG.md"


def numbers(version: str) -> tuple[int, ...]:
    """1.2.3 as numbers. Raises UsageError for anything else."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise UsageError(f"{version!r} is no version: make release VERSION=1.2.0")
    return tuple(map(int, version.split(".")))


def last_tag() -> str:
    """The release before, or nothing."""
    command = ["git", "describe", "--tags", "--abbrev=0", "--match=v*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def write_version(version: str) -> None:
    text = PROJECT.read_text(encoding="utf-8")
    had = re.search(r'(?m)^version = "(.*)"$', text)
    if had is None:
        raise UsageError("project.toml has no version")
    first = not last_tag()  # 0.1.0 may be released as it stands
    if numbers(version) < numbers(had[1]) or (numbers(version) == numbers(had[1]) and not first):
        raise UsageError(f"{version} is not newer than {had[1]}.")
    PROJECT.write_text(text.replace(had[0], f'version = "{version}"'), encoding="utf-8")


def write_changelog(version: str) -> None:
    """Date what stands below "Unreleased", or the subjects of the commits where nothing does."""
    old = CHANGELOG.read_text(encoding="utf-8") if CHANGELOG.exists() else "# Changelog\n"
    head, *sections = re.split(r"(?m)^(?=## )", old)
    written = ""
    if sections and sections[0].startswith("## Unreleased\n"):
        written = sections.pop(0).partition("\n")[2].strip()
    if not written:
        since = [f"{last_tag()}..HEAD"] if last_tag() else []
        written = template.git("log", "--no-merges", "--format=- %s", *since).strip()
    today = datetime.datetime.now(tz=datetime.UTC).date()
    parts = [head.strip(), f"## {version} ({today})", written, "".join(sections).strip()]
    CHANGELOG.write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    version = arguments[0] if arguments else ""
    try:
        numbers(version)
        template.check_clean()
        if template.git("tag", "--list", f"v{version}"):
            raise UsageError(f"There is a tag v{version} already.")
        write_version(version)
        write_changelog(version)
        if (ROOT / "copier.yml").exists():
            import_module("scripts.render").write_answers(version)  # only the template has it
        schema.keep_released()
        template.git("add", "--all")
        template.git("commit", "--quiet", "--message", f"Release {version}")
        template.git("tag", "--annotate", f"v{version}", "--message", f"Release {version}")
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"v{version} is made. Look at CHANGELOG.md, then: git push --follow-tags")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
