"""The programs that only the bench needs, with hashes, in a Python environment of their own."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.environment import CACHE, ROOT
from scripts.install import digest
from scripts.node import for_downloads
from scripts.uv import UV

FOLDER = CACHE / "bench"
VENV = FOLDER / "venv"


class ToolError(Exception):
    """Something to measure with, or against, is missing; the message says what."""


def python() -> str:
    """Path of the interpreter that has them."""
    return str(VENV / "bin" / "python")


def environment(**values: str) -> dict[str, str]:
    """Return what its programs get: nothing of this process's own."""
    return {"PATH": "/usr/bin:/bin", **values}


def install() -> None:
    """Install what the locks of the core and of the features name. Raises ToolError."""
    locks = [ROOT / "requirements" / "bench.txt"]
    locks += sorted((ROOT / "requirements").glob("*/bench.txt"))
    stamp = FOLDER / "stamp"
    wanted = digest(locks, platform.machine() + platform.system(), sys.version)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(VENV, ignore_errors=True)
    _uv("venv", "--quiet", "--no-project", "--python", sys.executable, str(VENV))
    sync = ["pip", "sync", "--quiet", "--require-hashes", "--python", python()]
    _uv(*sync, *map(str, locks))
    stamp.write_text(wanted)


def has(*modules: str) -> None:
    """Raise ToolError unless the environment can import all modules."""
    done = subprocess.run(
        [python(), "-c", f"import {', '.join(modules)}"], cwd=FOLDER,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1]
        raise ToolError(f"{' or '.join(modules)} cannot be used: {last}")


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [str(UV), *arguments], cwd=ROOT, env=for_downloads(dict(os.environ)),
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise ToolError(f"what the bench compares with cannot be installed: {done.stderr.strip()}")


def located(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
