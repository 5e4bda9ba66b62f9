"""A process that has imported what jobs need, and forks a child for each (see child.py).

Started as `python -m … module FD`. It knows nothing of any job: arguments reach the child alone, so
nothing of one job is there for the next.
"""

import contextlib
import gc
import importlib
import json
import os
import socket
import sys
import tempfile
import time
import traceback
from typing import Any

from .child_main import die_with_parent, run_target

MAX_FORKS = 100  # then another begins, with other addresses in memory
IDLE_SECONDS = 600.0  # after which it gives its memory back
MAX_MESSAGE = 65536


def main() -> None:
    module, descriptor = sys.argv[1:]
    die_with_parent(os.getppid())
    control = socket.socket(fileno=int(descriptor))
    control.settimeout(IDLE_SECONDS)
    preload(module)
    for _ in range(MAX_FORKS):
        try:
            message, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE, 4)
        except TimeoutError:
            return
        if not message:  # the worker has gone
            return
        pid = 0  # a copy of a process with threads may wait for ever for what they held
        if len(os.listdir("/proc/self/task")) == 1:
            pid = fork_child(control, json.loads(message), descriptors)
        for one in descriptors:
            os.close(one)
        control.send(str(pid).encode())


def preload(module: str) -> None:
    """Import a module, and have its `preload()` import what it would import later.

    An error of these is not lost: each child meets it again, and tells its job.
    """
    with contextlib.suppress(Exception):
        getattr(importlib.import_module(module), "preload", lambda: None)()
    gc.collect()
    gc.freeze()  # so that collecting does not copy memory which children share


def fork_child(control: socket.socket, job: dict[str, Any], descriptors: list[int]) -> int:
    """Fork a child of the worker, which adopts what a process in between leaves behind.

    So the worker sees how it ends and counts its time, and nothing of it is left here.
    """
    read, write = os.pipe()
    between = os.fork()
    if not between:
        try:
            between = os.getpid()
            if os.fork():
                os._exit(0)
            os.setsid()  # before the worker, which ends whole sessions, knows of it
            os.write(write, str(os.getpid()).encode())
            for one in (control.detach(), read, write):
                os.close(one)
            while os.getppid() == between:
                time.sleep(0.0002)
            become_child(job, descriptors)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(write)
    with open(read, "rb") as pipe:
        child = pipe.read()
    os.waitpid(between, 0)
    return int(child)


def become_child(job: dict[str, Any], descriptors: list[int]) -> None:
    """Do what a new process would find done, then the job, and end."""
    given, answer, said, directory = descriptors
    for source, targets in ((given, [0]), (said, [1, 2])):
        for target in targets:
            os.dup2(source, target)
        os.close(source)
    os.fchdir(directory)
    os.close(directory)
    os.umask(job["umask"])
    os.environ.update(job["env"])
    tempfile.tempdir = None  # it is by the environment
    if numpy_random := sys.modules.get("numpy.random"):  # Python's own is seeded by every fork
        numpy_random.seed()
    run_target(job["target"], answer, job["memory_bytes"], job["parent"])


if __name__ == "__main__":
    main()
