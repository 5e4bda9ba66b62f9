"""Programs for the tests: found on the machine, else fetched into .cache/ as Debian's packages.

`python -m scripts.debian prometheus` prints the folder. A package is unpacked, which needs neither
root nor an installation: Debian and Ubuntu only.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.environment import CACHE

# Of each package, the programs that are used.
PACKAGES = {
    "prometheus": ("prometheus", "promtool"),
    "prometheus-alertmanager": ("prometheus-alertmanager",),
    "prometheus-node-exporter": ("prometheus-node-exporter",),
    "prometheus-postgres-exporter": ("prometheus-postgres-exporter",),
    "pebble": ("pebble", "pebble-challtestsrv"),  # an authority of certificates
}


class NoPackageError(Exception):
    """It is not there and could not be fetched; the message says why."""


def find(package: str) -> Path | None:
    """Return the folder with the programs of a package, if there is one on this machine."""
    names = PACKAGES[package]
    folders = [
        CACHE / package / "usr" / "bin",
        *(Path(p).parent for p in filter(None, map(shutil.which, names))),
    ]
    return next((f for f in folders if all((f / name).exists() for name in names)), None)


def find_or_fetch(package: str) -> Path:
    """Return the folder with the programs, fetched if need be. Raises NoPackageError."""
    if found := find(package):
        return found
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise NoPackageError(f"{package} is not on PATH, and without apt-get it is not fetched")
    folder = CACHE / package
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Moved when whole: several processes of pytest may fetch at once.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        try:
            _run(["apt-get", "-o", "APT::Sandbox::User=root", "download", package], scratch)
            (file,) = Path(scratch).glob("*.deb")
            _run(["dpkg-deb", "--extract", str(file), f"{scratch}/whole"], scratch)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
            raise NoPackageError(f"Debian's package {package} cannot be fetched: {said}") from error
        if not find(package):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.move(f"{scratch}/whole", folder)
    if found := find(package):
        return found
    raise NoPackageError(f"Debian's package {package} has no {' or '.join(PACKAGES[package])}")


def _run(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)


if __name__ == "__main__":
    try:
        print(find_or_fetch(sys.argv[1]))
    except NoPackageError as problem:
        sys.exit(str(problem))
