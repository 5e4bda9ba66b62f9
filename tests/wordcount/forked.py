"""What jobs do in processes that are forked from one that has imported this."""

import contextlib
import ctypes
import gc
import importlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

Report = Callable[[str | None, float], None]
imported = os.urandom(8).hex()
preloaded: list[str] = []
seen: list[str] = []


def preload() -> None:
    preloaded.append("yes")
    if command := os.environ.get("AT_IMPORT"):
        {"hang": lambda: time.sleep(60), "thread": _keep_a_thread, "numpy": _import_numpy}[
            command
        ]()


def _keep_a_thread() -> None:
    threading.Thread(target=time.sleep, args=[60], daemon=True).start()


def _import_numpy() -> None:
    importlib.import_module("numpy.random")  # which not every project has


def look(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Say what a process finds."""
    mask = os.umask(0)
    death = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(death))  # PR_GET_PDEATHSIG
    links = []
    for one in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the directory itself
            links.append(os.readlink(f"/proc/self/fd/{one}"))
    return {
        "parent": os.getppid(),
        "leads": (os.getpid() == os.getsid(0), os.getpid() == os.getpgrp()),
        "directory": os.getcwd(),
        "umask": mask,
        "environment": dict(os.environ),
        "temporary": tempfile.gettempdir(),
        "descriptors": sorted(link.partition(":")[0] for link in links),
        "limits": {
            name: resource.getrlimit(getattr(resource, name))
            for name in dir(resource)
            if name.startswith("RLIMIT_")
        },
        "signals": [str(signal.getsignal(one)) for one in sorted(signal.valid_signals())],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "dies by": death.value,
        "to be killed first": open("/proc/self/oom_score_adj").read(),
        "niceness": os.nice(0),
        "threads": len(os.listdir("/proc/self/task")),
        "django": "django" in sys.modules,
        "collects": gc.isenabled(),
    }


def leave(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Leave something behind in the process, and say what was there."""
    before = list(seen)
    seen.append("a job")
    os.environ["LEFT_BEHIND"] = "yes"
    return {"before": before, "imported": imported, "pid": os.getpid(), "preloaded": preloaded}


def draw(arguments: dict[str, Any], report: Report) -> list[float]:
    numbers = [random.random()]
    if module := sys.modules.get("numpy.random"):
        numbers.append(float(module.random()))
    return numbers


def work(arguments: dict[str, Any], report: Report) -> str:
    """Use processor time."""
    end = time.process_time() + arguments["seconds"]
    while time.process_time() < end:
        pass
    return "done"


def wait(arguments: dict[str, Any], report: Report) -> str:
    """Start a process, tell of it, and wait until a file is there."""
    grandchild = subprocess.Popen(["sleep", "60"])
    report(f"{os.getpid()} {grandchild.pid}", 0)
    while not os.path.exists(arguments["until"]):
        time.sleep(0.01)
    return "done"


def go_on(arguments: dict[str, Any], report: Report) -> int:
    """Leave a copy of the process, with all that it has open."""
    if copy := os.fork():
        return copy
    os.setsid()
    time.sleep(60)
    os._exit(0)
