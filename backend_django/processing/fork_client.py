"""The worker's side of fork_server.py: keeps servers, and asks them for children. Linux only."""

import atexit
import ctypes
import json
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .descendants import PR_SET_CHILD_SUBREAPER, spared
from .process_state import read_umask

logger = logging.getLogger(__name__)
PR_GET_CHILD_SUBREAPER = 37
MAX_SERVERS = 2  # of one worker process: each keeps the memory of what it has imported
TICK = 0.1
START_SECONDS = 60.0  # that importing takes at most; a server that hangs is replaced then

Key = tuple[str, tuple[tuple[str, str], ...]]
_lock = threading.Lock()  # held by the thread that asks for a child
_servers: dict[Key, "_Server"] = {}  # the one used last is the last
_with_threads: set[Key] = set()


def fork_child(
    module: str,
    job: dict[str, Any],
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    check: Callable[[], None],
) -> "ForkedChild | None":
    """Have a process that has imported a module fork a child; None where one must be started.

    Args:
        job: target, memory_bytes, and what of the environment is the job's own.
        environment: of the server, which has it while it imports.
        descriptors: the child's ends of pipes: what it is given, its answers, its output.
        check: called while a server is importing; what it raises is passed on.
    """
    if sys.platform != "linux" or not _lock.acquire(blocking=False):
        return None
    key = (module, tuple(sorted(environment.items())))
    server = None
    try:
        if key in _with_threads:
            return None
        server = _find_server(key)
        with _adopting():
            pid = server.ask(
                job | {"umask": read_umask(), "parent": os.getpid()}, descriptors, check
            )
        if pid:
            _servers[key] = server
            return ForkedChild(pid)
        if pid == 0:
            logger.warning("a child of %s is no copy: it has threads when it is imported", module)
            _with_threads.add(key)
        return None
    finally:
        if server and _servers.get(key) is not server:
            server.close()
        _lock.release()


def _find_server(key: Key) -> "_Server":
    """Return a server that is to be kept only if it does what it is asked for."""
    server = _servers.pop(key, None)
    if server and not server.is_alive():
        server.close()
        server = None
    while len(_servers) >= MAX_SERVERS:
        _servers.pop(next(iter(_servers))).close()
    return server or _Server(key[0], dict(key[1]))


@atexit.register
def close_servers() -> None:
    """End the servers of this process."""
    while _servers:
        _servers.popitem()[1].close()


@contextmanager
def _adopting() -> Iterator[None]:
    """Have processes that are left behind become children of this one, as they do in a worker."""
    prctl, before = ctypes.CDLL(None).prctl, ctypes.c_int()
    prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


class ForkedChild:
    """A child that a server has forked, as far as it is used like a `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | Any = None  # as `subprocess` has it

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""
        return self._collect(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code when it has ended.

        Raises:
            subprocess.TimeoutExpired
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self._collect(0 if deadline is None else os.WNOHANG)) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.001)
        return code

    def _collect(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # the job has collected it, as `subprocess` takes it, too
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class _Server:
    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self.owner = os.getpid()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "backend_django.processing.fork_server",
                    module,
                    str(number),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
                env=environment,
                start_new_session=True,
            )
        spared.add(self.process.pid)

    def is_alive(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None

    def ask(
        self, job: dict[str, Any], descriptors: Sequence[int], check: Callable[[], None]
    ) -> int | None:
        """Return the process of a new child; 0 if the server has threads, None if it has ended."""
        try:
            directory = os.open(".", os.O_PATH)
            try:
                message = json.dumps(job).encode()
                socket.send_fds(self.control, [message], [*descriptors, directory])
            finally:
                os.close(directory)
            deadline = time.monotonic() + START_SECONDS
            while not select.select([self.control], [], [], TICK)[0]:
                check()
                if time.monotonic() > deadline:
                    return None
            reply = self.control.recv(20)
        except OSError:
            return None
        return int(reply) if reply else None

    def close(self) -> None:
        self.control.close()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
            spared.discard(self.process.pid)
