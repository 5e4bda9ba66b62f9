"""The child's side of child.py: limits itself, imports the target, answers in JSON lines.

Started as `python -m … module:function FD BYTES`, arguments on standard input. Imports no Django,
so that it is ready in the time the target's own imports take.
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

from .errors import ProcessingError

PR_SET_PDEATHSIG = 1
REPORTS_PER_SECOND = 20
MAX_TRACEBACK = 20_000  # characters


def limit_process(memory_bytes: int) -> None:
    """Die with the parent, keep to the memory, be the first to go when the system has none left."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("900")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS does not limit the address space
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


class Reporter:
    """`report(step, fraction)`: never goes back, and sends no more than a reader can use."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._fraction = 0.0
        self._step: str | None = None
        self._sent_at = 0.0

    def __call__(self, step: str | None, fraction: float) -> None:
        now = time.monotonic()
        changed = step is not None and step != self._step
        if not changed and now - self._sent_at < 1 / REPORTS_PER_SECOND:
            return
        self._fraction = max(self._fraction, float(fraction))
        self._step = step or self._step
        self._sent_at = now
        self.send({"progress": self._fraction, "step": self._step})

    def send(self, message: dict[str, Any]) -> None:
        self._stream.write(json.dumps(message, allow_nan=False).encode() + b"\n")
        self._stream.flush()


def _shorten(text: str) -> str:
    """Leave out the middle of a traceback that is too long for a log."""
    if len(text) <= MAX_TRACEBACK:
        return text
    return f"{text[: MAX_TRACEBACK // 2]}\n…\n{text[-MAX_TRACEBACK // 2 :]}"


def main() -> None:
    target, descriptor, memory_bytes = sys.argv[1:]
    parent = os.getppid()
    limit_process(int(memory_bytes))
    if os.getppid() != parent:  # it died before the death signal was set
        sys.exit(1)
    report = Reporter(open(int(descriptor), "wb"))  # noqa: SIM115 (open as long as the process is)
    try:
        arguments = json.load(sys.stdin)
        module, _, function = target.partition(":")
        answer = {"result": getattr(importlib.import_module(module), function)(arguments, report)}
        report.send(answer)
    except ProcessingError as error:
        report.send({"error": {"code": str(error.code), "message": str(error.message)}})
    except MemoryError:
        message = "This needs more memory than a job may use. Try a smaller input."
        report.send({"error": {"code": "out_of_memory", "message": message}})
    except BaseException:  # what sys.exit() raises too
        report.send({"exception": _shorten(traceback.format_exc())})


if __name__ == "__main__":
    main()
