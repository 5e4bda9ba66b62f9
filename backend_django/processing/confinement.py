"""Keeps a process to a few files, and off the network: for decoders of what nobody trusts.

Landlock (Linux 5.13, landlock(7)) needs no privilege and no configuration, and is never taken back.
Its numbers are the same on all architectures.
"""

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # flag of the first: return which version of it the kernel has
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38  # prctl(2)

# Rights in a ruleset, and from which version on a kernel knows them.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1, 2, 4, 8
_FIRST = (1 << 13) - 1  # those, and to make and to remove
_RENAME, _TRUNCATE = (2, 1 << 13), (3, 1 << 14)
_TCP, _SIGNALS_AND_SOCKETS = (4, 0b11), (6, 0b11)
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE[1]
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY

# What Python and the libraries of a job look at while they work. Nothing else of /proc: the
# environment of the process is there, with its secrets.
_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/sys/fs/cgroup"),
    *("/proc/self/maps", "/proc/self/cgroup", "/proc/meminfo", "/proc/cpuinfo", "/dev/urandom"),
)


def confine(*, read: Iterable[Path], write: Iterable[Path]) -> bool:
    """Leave this process what it needs to run, and these files; for good, and for its children.

    What is open remains open. Threads that run already are not confined.

    Args:
        read: files, or folders with all below them.
        write: folders; there it may read as well.

    Returns:
        Whether it was done: not on other systems than Linux, or where the kernel does not know how.
    """
    version = _call(_CREATE_RULESET, None, 0, _VERSION) if sys.platform == "linux" else -1
    if version < 1:
        return False
    rights = _FIRST | sum(right for since, right in (_RENAME, _TRUNCATE) if version >= since)
    network, scoped = (
        right if version >= since else 0 for since, right in (_TCP, _SIGNALS_AND_SOCKETS)
    )
    content = struct.pack("=QQQ", rights, network, scoped)
    content = content[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _call(_CREATE_RULESET, content, len(content), 0)
    if ruleset < 0:
        return False
    try:
        for path in (*_python_folders(), *map(Path, _SYSTEM), *read):
            _allow(ruleset, path, _READ)
        for path in (*write, Path("/dev/null")):
            _allow(ruleset, path, rights & ~_EXECUTE)
        if ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        return _call(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _python_folders() -> list[Path]:
    """Return where code is: the interpreter's, the libraries', and this package."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return [*map(Path, map(sysconfig.get_path, names)), Path(__file__).parents[1]]


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # there is none here
        return
    try:
        rights &= ~0 if path.is_dir() else _OF_FILES
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)


def _call(number: int, *arguments: bytes | int | None) -> int:
    values = [
        ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_long(value or 0)
        for value in arguments
    ]
    return int(ctypes.CDLL(None).syscall(ctypes.c_long(number), *values))
