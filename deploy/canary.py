#!/usr/bin/env python3
"""Give a new release more and more of the visitors while it does well, and none when it does not.

    deploy/canary.py --prometheus http://127.0.0.1:9090 \\
      --canary 'job="app-web-canary"' --stable 'job="app-web"' \\
      --set 'helm upgrade app deploy/kubernetes --reuse-values --set canary.weight={weight}'

At each step it sets the weight and then watches for --hold seconds: the part of the canary's
answers that are errors of the server, and how long 95 of 100 of them take, beside those of the
stable release in the same time. The canary does badly when it has more errors than --errors and
than twice the stable one's, or is slower than --slower times the stable one's and --slow-seconds
more. Then, when nobody can say how it does, and when this is interrupted, the weight becomes 0.

--canary and --stable may be given several times, in pairs: then no process hides the errors of
another. The first pair must be called; of the others each that is usually called often enough.

Exit code: 0 when it has all visitors, 1 when it was taken back, 2 when it could not be taken back.
It needs Python alone, and numbers of a Prometheus that scrapes both releases.
"""

import argparse
import json
import math
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

METRIC = "http_request_duration_seconds"


class CanaryError(Exception):
    """The canary does badly, or nobody can say how it does; the message says which."""


class Seen(NamedTuple):
    """What one release did in the window; nan where there was nothing to look at.

    requests: answers a second; errors: the part that are 5xx; seconds: the 95th percentile.
    """

    requests: float
    errors: float
    seconds: float


class Pair(NamedTuple):
    """Labels of a canary and of its stable release; requests a second that both usually have."""

    canary: str
    stable: str
    usual: float


class Prometheus:
    """Asks for numbers; says so in words when it cannot."""

    def __init__(self, address: str, window: int) -> None:
        self.address, self.window = address.rstrip("/"), window

    def number(self, query: str) -> float:
        """Return the one value of a query, nan when there is none. Raises CanaryError."""
        address = f"{self.address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310
                found = json.load(answer)["data"]["result"]
        except (OSError, ValueError, KeyError) as error:
            raise CanaryError(f"Prometheus does not answer: {error}") from error
        return float(found[0]["value"][1]) if found else math.nan

    def look(self, release: str) -> Seen:
        def rate(metric: str, *labels: str) -> str:
            chosen = ",".join([release, *labels])
            return f"rate({METRIC}_{metric}{{{chosen}}}[{self.window}s])"

        requests = self.number(f"sum({rate('count')})")
        failed = rate("count", 'status=~"5.."')
        errors = self.number(f"sum({failed})")
        seconds = self.number(f"histogram_quantile(0.95, sum by (le) ({rate('bucket')}))")
        return Seen(
            requests, (0 if math.isnan(errors) else errors) / (requests or math.nan), seconds
        )


def judge(canary: Seen, stable: Seen, options: argparse.Namespace) -> None:
    """Raise CanaryError when the canary does worse than it may."""
    if canary.errors > max(options.errors, 2 * _or_zero(stable.errors)):
        raise CanaryError(
            f"{canary.errors:.1%} of its answers are errors; of the stable release's "
            f"{_or_zero(stable.errors):.1%}"
        )
    if math.isnan(stable.seconds):  # nobody is left to compare with
        return
    limit = max(options.slower * stable.seconds, stable.seconds + options.slow_seconds)
    if canary.seconds > limit:
        raise CanaryError(
            f"95 % of its answers take up to {canary.seconds:.2f} s; those of the stable release "
            f"{stable.seconds:.2f} s"
        )


def _or_zero(number: float) -> float:
    return 0.0 if math.isnan(number) else number


def set_weight(options: argparse.Namespace, weight: int) -> None:
    """Run the command that does it. Raises CanaryError with what it said."""
    command = options.set.replace("{weight}", str(weight))
    done = subprocess.run(command, shell=True, capture_output=True, text=True)  # noqa: S602
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CanaryError(f"`{command}` failed: {said[-1] if said else done.returncode}")
    print(f"{weight} % of the visitors", flush=True)


def watch(
    prometheus: Prometheus, pairs: list[Pair], weight: int, options: argparse.Namespace
) -> Iterator[dict[str, Seen]]:
    """Look until the canaries were seen at work for --hold seconds. Raises CanaryError."""
    called = [pair.canary for pair in pairs if pair.usual * weight / 100 >= options.least]
    began = time.monotonic()
    seen_for, last = 0.0, began
    while seen_for < options.hold:
        time.sleep(options.every)
        seen = {pair.canary: prometheus.look(pair.canary) for pair in pairs}
        for pair in pairs:
            judge(seen[pair.canary], prometheus.look(pair.stable), options)
        now = time.monotonic()
        quiet = [name for name in called if not seen[name].requests >= options.least]
        if not quiet:
            seen_for += now - last
            yield seen
        elif now - began > 3 * options.hold + prometheus.window:
            requests = _or_zero(seen[quiet[0]].requests)
            raise CanaryError(
                f"{quiet[0]} answers {requests:.2f} requests a second, too few to tell"
            )
        last = now


def find_pairs(prometheus: Prometheus, options: argparse.Namespace) -> list[Pair]:
    """Return the pairs, with what they are usually asked. Raises CanaryError."""
    pairs: list[Pair] = []
    for canary, stable in zip(options.canary, options.stable, strict=True):
        usual = prometheus.number(f"sum(rate({METRIC}_count{{{stable}}}[5m]))")
        if math.isnan(usual):
            raise CanaryError(f"Prometheus knows no release with {stable}")
        pairs.append(Pair(canary, stable, usual if pairs else math.inf))
    return pairs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prometheus", required=True, metavar="URL")
    parser.add_argument(
        "--canary", required=True, action="append", help="labels of its metrics", metavar="LABELS"
    )
    parser.add_argument("--stable", required=True, action="append", metavar="LABELS")
    parser.add_argument(
        "--set", required=True, metavar="COMMAND", help="{weight} is the percentage"
    )
    parser.add_argument("--steps", default="5,25,100", help="weights, one after the other")
    parser.add_argument("--hold", type=float, default=300, help="seconds at each step")
    parser.add_argument("--every", type=float, default=10, help="seconds between two looks")
    parser.add_argument("--window", type=int, default=60, help="seconds that a rate is taken over")
    parser.add_argument("--errors", type=float, default=0.01, help="the part that may be errors")
    parser.add_argument("--slower", type=float, default=1.5)
    parser.add_argument("--slow-seconds", type=float, default=0.1)
    parser.add_argument("--least", type=float, default=0.05, help="requests a second to judge by")
    options = parser.parse_args(arguments)
    if len(options.canary) != len(options.stable):
        parser.error("give each --canary its --stable")
    prometheus = Prometheus(options.prometheus, options.window)
    try:
        pairs = find_pairs(prometheus, options)
        for weight in map(int, options.steps.split(",")):
            set_weight(options, weight)
            for seen in watch(prometheus, pairs, weight, options):
                for name, one in seen.items():
                    print(
                        f"  {name}: {one.requests:.2f} requests/s, "
                        f"{_or_zero(one.errors):.1%} errors, p95 {one.seconds:.2f} s",
                        flush=True,
                    )
    except (CanaryError, KeyboardInterrupt) as trouble:
        print(f"Taken back: {trouble or 'interrupted'}", file=sys.stderr)
        try:
            set_weight(options, 0)
        except CanaryError as failed:
            print(f"It could NOT be taken back: {failed}", file=sys.stderr)
            return 2
        return 1
    print("The new release has all visitors: make it the stable one.")
    return 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main(sys.argv[1:]))
