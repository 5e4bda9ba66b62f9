"""What all measurements share: how a figure is stated, a client that costs little, the machine."""

import os
import platform
import re
import selectors
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
PATIENCE = 60.0  # seconds to wait for a first answer
QUICK = bool(os.environ.get("BENCH_QUICK"))  # small inputs: shows that it works, measures nothing


class Figure(NamedTuple):
    """What a round found, and what one of its calls, requests or files cost, where that is known.

    cpu: seconds of processor time; statements: to PostgreSQL.
    """

    value: float
    cpu: float | None = None
    statements: float | None = None


@dataclass
class Row:
    """A figure of ours beside that of somebody else, both medians of the rounds.

    ratio: the median of the rounds' own ratios, ours to theirs; goal: what it ought to be;
    cpu and statements: ours and theirs, as in Figure.
    """

    what: str
    ours: float
    baseline: str
    theirs: float
    unit: str
    ratio: float
    goal: str = ""
    cpu: tuple[float | None, float | None] = (None, None)
    statements: tuple[float | None, float | None] = (None, None)


@dataclass
class Curve:
    """How something grows: one line of y (same length as x) per name."""

    name: str  # of the plot's file
    title: str
    x_label: str
    y_label: str
    x: list[float]
    lines: dict[str, list[float]]
    is_log: bool = False


@dataclass
class Section:
    """What one part of the bench found out; its name is that of its place in the report."""

    name: str
    rows: list[Row] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def say(text: str) -> None:
    print(text, flush=True)


def compare(
    what: str,
    ours: Sequence[Figure | float],
    baseline: str,
    theirs: Sequence[Figure | float],
    unit: str,
    goal: str = "",
) -> Row:
    """Make a row of the figures of alternating rounds, one of each per round."""
    pairs = [
        tuple(each if isinstance(each, Figure) else Figure(each) for each in pair)
        for pair in zip(ours, theirs, strict=True)
    ]
    ratio = statistics.median(mine.value / other.value for mine, other in pairs)
    say(f"  {what}: {ratio:.2f} × {baseline}")
    mine, other = (
        Figure(*map(_middle, zip(*figures, strict=True))) for figures in zip(*pairs, strict=True)
    )
    return Row(
        what, mine.value, baseline, other.value, unit, ratio, goal,
        (mine.cpu, other.cpu), (mine.statements, other.statements),
    )  # fmt: skip


def compare_with_goal(what: str, ours: Sequence[Figure | float], goal: float, unit: str) -> Row:
    """Make a row whose baseline is what the figure may be at most."""
    return compare(what, ours, "the goal", [goal] * len(ours), unit, "≤ 1")


def _middle(values: Sequence[float | None]) -> Any:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def rounds(count: int, **takes: Callable[[], T]) -> dict[str, list[T]]:
    """Take all figures `count` times, one after the other, so that a busy moment meets them all."""
    found: dict[str, list[T]] = {name: [] for name in takes}
    for number in range(1 if QUICK else count):
        order = list(takes.items())
        for name, take in order if number % 2 == 0 else reversed(order):
            found[name].append(take())
    return found


@dataclass(frozen=True)
class Answers:
    """What a server gave within a time: answers, those a second, and seconds to wait for one."""

    count: int
    per_second: float
    p50: float
    p99: float


def ask(
    url: str,
    paths: Sequence[str],
    headers: Mapping[str, str],
    *,
    connections: int,
    seconds: float = PATIENCE,
    calls: int = sys.maxsize,
    expected: int = 200,
) -> Answers:
    """Ask for the paths in turn, over kept connections, each of which waits for its answer.

    Ends after so many seconds or calls.

    One thread on plain sockets: a general client would take as much time as the server.
    """
    parts = urlsplit(url)
    lines = [f"Host: {parts.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
    requests = cycle([
        "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode() for path in paths
    ])  # fmt: skip
    waits: list[float] = []
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            opened = _Connection(parts.hostname or "", parts.port or 80)
            selector.register(opened.socket, selectors.EVENT_READ, opened)
            opened.send(next(requests))
        end = began + seconds
        while len(waits) < calls and (
            (now := time.perf_counter()) < end or (not waits and now < began + PATIENCE)
        ):
            for key, _ in selector.select(1.0):
                status = key.data.received()
                if status is None:
                    continue
                assert status == expected, (status, url, key.data.sent)
                waits.append(time.perf_counter() - key.data.began)
                key.data.send(next(requests))
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    assert waits, f"{url} gave no answer within {PATIENCE} s"
    ordered = sorted(waits)
    p50, p99 = statistics.median(waits), ordered[int(0.99 * len(ordered))]
    return Answers(len(waits), len(waits) / (now - began), p50, p99)


class _Connection:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent, self.began, self._buffer = b"", 0.0, b""

    def send(self, request: bytes) -> None:
        self.sent, self.began, self._buffer = request, time.perf_counter(), b""
        self.socket.sendall(request)

    def received(self) -> int | None:
        """Take what is there; return the status when the answer is whole."""
        chunk = self.socket.recv(1 << 18)
        assert chunk, f"the connection was closed: {self.sent!r}"
        self._buffer += chunk
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", self._buffer[: end + 2])
        status = int(self._buffer[9:12])
        assert length or status in (204, 304), self._buffer[:end]
        whole = end + 4 + (int(length[1]) if length and status != 304 else 0)
        return status if len(self._buffer) >= whole else None


def children_of(pid: int) -> Iterator[int]:
    """The processes that a process has started, and theirs (Linux)."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        own = [int(word) for task in threads for word in (task / "children").read_text().split()]
    except OSError:  # it has ended
        return
    for child in own:
        yield child
        yield from children_of(child)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process and those it has started have taken so far (Linux)."""
    ticks = 0
    for each in (pid, *children_of(pid)):
        words = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, words[11:15]))  # its own, and of children that have ended
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_memory(pid: int) -> int:
    """The most memory a process has had so far (resident, bytes); 0 when it has ended (Linux)."""
    try:
        found = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def machine() -> str:
    """The machine and what ran on it, in words."""
    names = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return (
        f"{platform.system()}, {cores} cores ({names[1] if names else platform.machine()}), "
        f"{memory:.0f} GiB memory, Python {platform.python_version()}"
    )
