"""The child's side of child.py: limits itself, imports the target, answers in JSON lines.

Forked by a server that has imported the target (fork_server.py), or started as
`python -m … module:function FD BYTES`. Arguments are on standard input. Imports no Django, so that
it is ready in the time the target's own imports take.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from typing import Any

from backend_django.utils.messages import Message
from backend_django.utils.text import cut_middle

from .errors import ProcessingError

PR_SET_PDEATHSIG = 1
REPORTS_PER_SECOND = 20


def die_with_parent(parent: int) -> None:
    """Have this process end when its parent does. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the signal was set
        os._exit(1)


def limit_process(memory_bytes: int) -> None:
    """Keep to the memory, and be the first to go when the system has none left."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("900")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS does not limit the address space
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


class Reporter:
    """`report(step, fraction)`: never goes back, and sends no more than a reader can use.

    A new step and the end are sent at once.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._fraction = 0.0
        self._step: str | None = None
        self._sent_at = 0.0

    def __call__(self, step: str | None, fraction: float) -> None:
        now = time.monotonic()
        changed = step is not None and step != self._step
        ends = fraction >= 1 > self._fraction
        if not (changed or ends) and now - self._sent_at < 1 / REPORTS_PER_SECOND:
            return
        self._fraction = max(self._fraction, float(fraction))
        self._step = step or self._step
        self._sent_at = now
        self.send({"progress": self._fraction, "step": self._step})

    def send(self, message: dict[str, Any]) -> None:
        self._stream.write(json.dumps(message, allow_nan=False).encode() + b"\n")
        self._stream.flush()


def run_target(target: str, descriptor: int, memory_bytes: int, parent: int) -> None:
    """Do what the worker has asked for, answer, and end.

    Args:
        target: module:function.
        descriptor: of the pipe for reports and the answer.
        parent: the worker's process.
    """
    die_with_parent(parent)
    limit_process(memory_bytes)
    report = Reporter(open(descriptor, "wb"))  # noqa: SIM115 (open as long as the process is)
    try:
        arguments = json.load(sys.stdin)
        module, _, function = target.partition(":")
        answer = {"result": getattr(importlib.import_module(module), function)(arguments, report)}
        report.send(answer)
    except ProcessingError as error:
        made_of = error.message.to_json() if isinstance(error.message, Message) else None
        report.send(
            {"error": {"code": str(error.code), "message": str(error.message), "made_of": made_of}}
        )
    except MemoryError:
        message = Message("This needs more memory than a job may use. Try a smaller input.")
        report.send({"error": {"code": "out_of_memory", "message": message}})
    except BaseException:  # what sys.exit() raises too
        report.send({"exception": cut_middle(traceback.format_exc())})
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)  # taking modules apart, of which nothing is needed again, takes a fifth of a second


def main() -> None:
    target, descriptor, memory_bytes = sys.argv[1:]
    run_target(target, int(descriptor), int(memory_bytes), os.getppid())


if __name__ == "__main__":
    main()
