"""Call a product in this process, as often as each line of the input says.

Run by the module beside it, in a tree with the module or without. A line is a call's name and how
often; what is written is the seconds of processor time that they took, or how many functions they
called. `without` hides the module's packages, too.
"""

import importlib.abc
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

PACKAGES = "opentelemetry", "sentry_sdk"


class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> None:
        if name.partition(".")[0] in PACKAGES:
            raise ModuleNotFoundError(name=name)


def functions(call: Callable[[], None], times: int) -> int:
    """Return how many functions were called, C's too: the same however busy a machine is."""
    found = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    sys.setprofile(count)
    for _ in range(times):
        call()
    sys.setprofile(None)
    return found


def seconds(call: Callable[[], None], times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        call()
    return time.process_time() - before


def main() -> None:
    if sys.argv[1:] == ["without"]:
        sys.meta_path.insert(0, Hidden())
    import django

    django.setup()
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client

    client = Client(headers={"Authorization": os.environ["AUTHORIZATION"]})

    def poll() -> None:
        assert client.get(os.environ["STATUS"]).status_code == 200

    def create() -> None:
        file = SimpleUploadedFile("a.txt", b"one two")
        assert client.post("/api/v1/wordcount/create/", {"file": file}).status_code == 201

    calls = {"poll": poll, "create": create}
    for call in calls.values():
        seconds(call, 5)  # whatever is done once is done
    print(len(sys.modules), flush=True)
    for line in sys.stdin:
        measure, name, times = line.split()
        measured = {"functions": functions, "seconds": seconds}[measure]
        print(measured(calls[name], int(times)), flush=True)


if __name__ == "__main__":
    main()
