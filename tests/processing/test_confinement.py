"""A process that confines itself, asked from within for what it must not have."""

import ctypes
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT

# As landlock(7) has it: the version that this kernel knows.
version = ctypes.CDLL(None).syscall(444, None, ctypes.c_long(0), ctypes.c_uint32(1))
pytestmark = pytest.mark.skipif(version < 4, reason="this kernel has no Landlock that knows TCP")

PROGRAM = """
import json, os, socket, sys, threading
from pathlib import Path
from backend_django.processing.confinement import confine

mine, other, folder, port = sys.argv[1:]
assert confine(read=[Path(mine)], write=[Path(folder)])

def tell(what):
    try:
        return what() or "done"
    except OSError as error:
        return type(error).__name__

def in_thread(what):
    told = []
    thread = threading.Thread(target=lambda: told.append(tell(what)))
    thread.start()
    thread.join()
    return told[0]

print(json.dumps({
    "own file": tell(Path(mine).read_text),
    "own folder": tell(lambda: Path(folder, "new").write_text("x") and os.rename(f"{folder}/new", f"{folder}/n")),
    "other file": tell(Path(other).read_text),
    "other file, in a thread": in_thread(Path(other).read_text),
    "other file, by a link": tell(lambda: os.symlink(other, f"{folder}/l") or Path(folder, "l").read_text()),
    "other file, by another program": tell(lambda: os.popen(f"cat {other}").read() or "nothing"),
    "write to own file": tell(lambda: Path(mine).write_text("x")),
    "beside it": tell(lambda: Path(mine).with_name("new").write_text("x")),
    "environment": tell(Path("/proc/self/environ").read_text),
    "list of the root": tell(lambda: os.listdir("/")),
    "network": tell(lambda: socket.create_connection(("127.0.0.1", int(port)), 2)),
    "import": tell(lambda: __import__("wave") and None),
}))
"""  # noqa: E501


def test_nothing_but_its_own_is_there(tmp_path: Path) -> None:
    mine, other, folder = tmp_path / "mine", tmp_path / "other", tmp_path / "work"
    mine.write_text("mine")
    other.write_text("secret")
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = [str(mine), str(other), str(folder), str(listener.getsockname()[1])]
        told = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=ROOT, env=os.environ | {"SECRET": "secret"}, check=True, capture_output=True,
        ).stdout  # fmt: skip
    assert json.loads(told) == {
        "own file": "mine",
        "own folder": "done",
        "other file": "PermissionError",
        "other file, in a thread": "PermissionError",
        "other file, by a link": "PermissionError",
        "other file, by another program": "nothing",
        "write to own file": "PermissionError",
        "beside it": "PermissionError",
        "environment": "PermissionError",
        "list of the root": "PermissionError",
        "network": "PermissionError",
        "import": "done",
    }
