"""What the test job does in a process of its own."""

import os
import resource
import signal
import time
from collections.abc import Callable

from backend_django.processing.errors import ProcessingError


def run(arguments: dict[str, str], report: Callable[[str | None, float], None]) -> str | int:
    command = arguments["command"]
    if command == "sleep":
        tenths = int(arguments.get("tenths", "600"))
        for i in range(tenths):
            report("asleep", i / tenths)
            time.sleep(0.1)
    elif command == "large":
        return "x" * 5_000_000
    elif command == "memory":
        bytearray(2 * 1024**3)
    elif command == "print":
        os.write(1, b"to its output\n")
        os.write(2, b"to its errors: password=hunter22\n" + b"x" * 100_000 + b"\nand no line end")
        raise RuntimeError("secret detail")
    elif command == "limit":
        return resource.getrlimit(resource.RLIMIT_AS)[0]
    elif command == "refuse":
        raise ProcessingError("not_today", "Try again tomorrow.")
    elif command == "raise":
        raise RuntimeError("secret detail")
    elif command == "raise at length":
        raise RuntimeError("x" * 5_000_000)
    elif command == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif command == "alarm":
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        time.sleep(60)
    elif command == "processor":
        resource.setrlimit(resource.RLIMIT_CPU, (1, 10))
        while True:
            pass
    elif command == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    return "done"
