"""Where the example is that features of rows are copied from: here, or in the template."""

import shutil
import subprocess
from pathlib import Path

from scripts import template
from scripts.environment import CACHE, FRONTEND, ROOT
from scripts.feature.names import SpecError

BACKEND = ROOT / "backend_django" / "bookings"
PAGE = FRONTEND / "src" / "features" / "bookings"


def example() -> tuple[Path, Path]:
    """Return the folders of the example and of its pages.

    A project that is without it takes that of the release of the template that it is made from.

    Raises:
        SpecError: neither is there.
    """
    if is_here():
        return BACKEND, PAGE
    answers = template.ANSWERS.read_text("utf-8") if template.ANSWERS.exists() else ""
    said = dict(line.split(": ", 1) for line in answers.splitlines() if ": " in line)
    address = said.get("_src_path", "").strip("\"'").removeprefix("git+")
    version = said.get("_commit", "").strip("\"'")
    if not (address and version):
        raise SpecError(
            "backend_django/bookings, from which this copies, is not here, and no "
            ".copier-answers.yml says where the template is."
        )
    if (ROOT / address).exists():
        address = str((ROOT / address).resolve())
    folder = CACHE / f"example-{version}"
    if not folder.exists():
        _fetch(address, version, folder)
    return folder / BACKEND.relative_to(ROOT), folder / PAGE.relative_to(ROOT)


def is_here() -> bool:
    """Whether this project has the example."""
    return BACKEND.exists() and PAGE.exists()


def _fetch(address: str, version: str, folder: Path) -> None:
    """Bring a version of the template into a folder."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for command in (
        ["git", "clone", "--quiet", "--no-checkout", address, str(part)],
        ["git", "-C", str(part), "checkout", "--quiet", version],
    ):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SpecError(
                f"The example, from which this copies, is not here, and could not be fetched from "
                f"{address}: {done.stderr.strip()}"
            )
    part.rename(folder)
