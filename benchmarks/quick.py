"""`make bench-quick`: an alarm, in two minutes, for what became dearer.

Processor seconds, as a ratio to a baseline of the same run, and statements to the database: other
work on the machine makes both sides slower, but changes neither. What is expected is in
benchmarks/expected.json; exits with 1 when something costs more than that and its tolerance.

    make bench-quick
    make bench-quick ARGS=--accept      expect from now on what is measured now
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import suites
from benchmarks.calls import Call
from benchmarks.measure import rounds, say
from benchmarks.polls import completed_request
from benchmarks.product import Product, product_alone

EXPECTED = Path(__file__).with_name("expected.json")
ROUNDS = 7
CALLS = 150
TOLERANCE = 2  # of ratios, which load and other machines move; of statements none more
COUNTED = ["life", "status", "list", "create"]  # `manage.py bench statements-…`


def measure_calls(product: Product) -> dict[str, float]:
    """Return what calls cost, divided by what a bare project's status costs."""
    stack = product.stack
    with completed_request(product) as poll:
        web = product, stack.url, stack.processes["web"].pid
        session = {"Cookie": product.session_cookie()}
        drf = Call(product, poll.bare.url, poll.bare.pid, poll.bare.status, poll.bare.headers)
        ours = {
            "status poll": Call(*web, poll.path, poll.headers),
            "status poll by session": Call(*web, poll.path, session),
            "list": Call(*web, "/api/v1/requests/list/", poll.headers),
            "index.html": Call(*web, "/"),
        }
        takes: dict[str, Callable[[], float]] = {
            name: lambda call=call: call.cost(CALLS).value  # type: ignore[misc]
            for name, call in ours.items()
        }
        found = rounds(ROUNDS, drf=lambda: drf.cost(CALLS).value, **takes)
    # The least of the rounds: other work on the machine can only add to it.
    return {name: min(found[name]) / min(found["drf"]) for name in ours}


def count_statements(product: Product) -> dict[str, float]:
    """Return how many statements the database gets."""
    return {f"statements: {what}": product.bench(f"statements_{what}", 1) for what in COUNTED}


def measure() -> dict[str, float]:
    with product_alone() as product:
        found = measure_calls(product) | count_statements(product)
        for suite in suites().values():
            found |= suite.measure_quickly(product)
    return found


def too_much(found: dict[str, float], expected: dict[str, float]) -> list[str]:
    """Say what costs more than it may, and print everything."""
    said = []
    for name, value in found.items():
        allowed = expected.get(name, 0) * (1 if name.startswith("statements") else TOLERANCE)
        is_more = round(value, 3) > round(allowed, 3)
        say(f"{'✗' if is_more else '✓'} {name:32} {value:6.2f}   at most {allowed:.2f}")
        if is_more:
            said.append(name)
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-quick")
    parser.add_argument("--accept", action="store_true", help="expect this from now on")
    accept = parser.parse_args().accept
    found = measure()
    expected: dict[str, Any] = json.loads(EXPECTED.read_text())
    if accept:
        rounded = {name: round(value, 2) for name, value in found.items()}
        EXPECTED.write_text(json.dumps(expected | rounded, indent=1) + "\n")
        return 0
    more = too_much(found, expected)
    if more:
        say("Once more: of two runs the lesser counts, as other work only adds.")
        again = measure()
        more = too_much({name: min(found[name], again[name]) for name in found}, expected)
    if more:
        say(f"More than expected: {', '.join(more)}. See docs/performance.md.")
    return 1 if more else 0


if __name__ == "__main__":
    sys.exit(main())
