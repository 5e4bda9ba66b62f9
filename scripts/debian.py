"""Prometheus and promtool for the tests: found on the machine, else fetched into .cache/.

`python -m scripts.promtool` prints the folder. Fetched as Debian's package, which needs neither
root nor an installation: Debian and Ubuntu only.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.environment import CACHE

FOLDER = CACHE / "prometheus"
NAMES = ("prometheus", "promtool")


class NoPromtoolError(Exception):
    """There is none and it could not be fetched; the message says why."""


def find() -> Path | None:
    """Return the folder with both programs, if there is one on this machine."""
    folders = [
        FOLDER / "usr" / "bin",
        *(Path(p).parent for p in filter(None, map(shutil.which, NAMES))),
    ]
    return next((f for f in folders if all((f / name).exists() for name in NAMES)), None)


def find_or_install() -> Path:
    """Return the folder with both programs, fetched if need be. Raises NoPromtoolError."""
    if found := find():
        return found
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise NoPromtoolError("promtool is not on PATH, and without apt-get it is not fetched")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            download = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "prometheus"]
            subprocess.run(
                download, cwd=scratch, check=True, capture_output=True, text=True, timeout=120
            )
            (package,) = Path(scratch).glob("*.deb")
            shutil.rmtree(FOLDER, ignore_errors=True)
            unpack = ["dpkg-deb", "--extract", str(package), str(FOLDER)]
            _run(unpack, scratch)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
            raise NoPromtoolError(
                f"Debian's package prometheus cannot be fetched: {said}"
            ) from error
    if found := find():
        return found
    raise NoPromtoolError("Debian's package prometheus has no promtool")


def _run(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)


if __name__ == "__main__":
    try:
        print(find_or_install())
    except NoPromtoolError as problem:
        sys.exit(str(problem))
