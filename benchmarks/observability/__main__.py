"""`python -m benchmarks.observability`: what the module costs a call when it is off.

Two processes on the same servers, one of them in a copy of the tree without the module's folders
and packages, call the product in turn: status polls, and creates of a small file. Prints how many
functions each calls, which is the same on any machine, and the ratio of their processor times.

Those say less: two processes of the very same code differ by some per cent, by where their memory
lies and what runs beside them. So there are several pairs of new ones, which alternate in short
rounds, and the ratio is the median of the pairs', of the best round of each. Asserts nothing; takes
some minutes.
"""

import os
import shutil
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import QUICK, machine, rounds, say
from benchmarks.product import APPS, product_alone
from scripts.environment import ROOT
from scripts.processes import dies_with_parent
from scripts.render import read_modules
from tests.stack import ADMIN
from tests.tree import copy_of_the_sources

MODULE = "observability"
PAIRS, ROUNDS = (1, 1) if QUICK else (11, 20)
CALLS = {"poll": 20, "create": 6}  # of a round
COUNTED = 5


class Caller:
    """A process that calls the product."""

    def __init__(self, root: Path, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("caller.py"), *arguments],
            cwd=root, env=environment | {"PYTHONPATH": str(root), "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=dies_with_parent(),
        )  # fmt: skip
        self.modules = int(self._line())

    def measure(self, what: str, call: str, times: int) -> float:
        """Return the seconds or the functions of each call."""
        assert self.process.stdin
        self.process.stdin.write(f"{what} {call} {times}\n")
        self.process.stdin.flush()
        return float(self._line()) / times

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "it has ended"
        return line

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()


def tree_without(directory: Path) -> Path:
    root = copy_of_the_sources(directory)
    for path in map(root.joinpath, read_modules(ROOT)[MODULE].paths):
        if path.is_dir():
            shutil.rmtree(path)
    return root


def main() -> None:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CALLS}
    with product_alone() as product, product.stack.client(**ADMIN) as api:
        made = api.create("wordcount", b"one two")
        environment = product.stack.environment | {
            "AUTHORIZATION": api.headers["Authorization"],
            "STATUS": f"/api/v1/wordcount/status/{made['id']}/",
            "TEST_APPS": APPS,
        }
        bare = tree_without(product.directory / "tree")
        for number in range(PAIRS):
            with ExitStack() as stack:
                off = stack.enter_context(Caller(ROOT, **environment))
                absent = stack.enter_context(Caller(bare, "without", **environment))
                if not number:
                    say(f"modules loaded: off {off.modules}, absent {absent.modules}")
                for name, calls in CALLS.items():
                    if not number:
                        counts = [
                            statistics.median(
                                one.measure("functions", name, 1) for _ in range(COUNTED)
                            )
                            for one in (off, absent)
                        ]
                        say(f"{name}: functions called, off {counts[0]:g}, absent {counts[1]:g}")
                    times = rounds(
                        ROUNDS,
                        off=lambda: off.measure("seconds", name, calls),  # noqa: B023
                        absent=lambda: absent.measure("seconds", name, calls),  # noqa: B023
                    )
                    found[name].append((min(times["off"]), min(times["absent"])))
    for name, pairs in found.items():
        ratios = [off / absent for off, absent in pairs]
        off_ms, absent_ms = (statistics.median(each) * 1000 for each in zip(*pairs, strict=True))
        say(
            f"{name}: off {off_ms:.3f} ms, absent {absent_ms:.3f} ms,"
            f" ratio {statistics.median(ratios):.3f} (pairs {min(ratios):.3f} to {max(ratios):.3f})"
        )
    say(f"{machine()}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
