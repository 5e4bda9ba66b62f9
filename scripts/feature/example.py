"""The example that features of rows are copied from: here, or in the template."""

import shutil
from pathlib import Path

from scripts import template
from scripts.environment import CACHE, FRONTEND, ROOT, UsageError
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
    try:
        version = template.answer("_commit")
        folder = CACHE / f"example-{version}"
        if not folder.exists():
            _fetch(template.answer("_src_path"), version, folder)
    except UsageError as error:
        raise SpecError(
            f"backend_django/bookings, from which this copies, is not here: {error}"
        ) from None
    return folder / BACKEND.relative_to(ROOT), folder / PAGE.relative_to(ROOT)


def is_here() -> bool:
    """Return whether this project has the example."""
    return BACKEND.exists() and PAGE.exists()


def _fetch(home: str, version: str, folder: Path) -> None:
    """Bring a version of the template into a folder. Raises UsageError when it cannot be had."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    source = template.Source(part, home)
    source.git("checkout", "--quiet", source.commit(version))
    part.rename(folder)
