"""Reads a source as blocks, by its indentation alone: a line with all that belongs to it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CLOSES = re.compile(r"\s*[)\]}]")


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


@dataclass(frozen=True)
class Block:
    """A statement, an entry of a list, a function: its lines, with the empty ones before it."""

    space: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def header(self) -> str:
        """The line that says what it is; a decorator does not."""
        return next((line for line in self.lines if not line.lstrip().startswith("@")), "")

    @property
    def text(self) -> str:
        return "\n".join((*self.space, *self.lines)) + "\n"

    def pieces(self) -> Iterator["str | list[Block]"]:
        """Give its own lines, and between them the blocks that are inside."""
        inner: list[str] = []
        for line in self.lines:
            if line.strip() and indent_of(line) == indent_of(self.lines[0]):
                if inner:
                    yield blocks_of(inner)
                inner = []
                yield line
            else:
                inner.append(line)
        if inner:
            yield blocks_of(inner)


def blocks_of(lines: Sequence[str]) -> list[Block]:
    """Return the blocks of which some lines of one level consist."""
    found, start = [], 0
    while start < len(lines):
        first = start
        while first < len(lines) and not lines[first].strip():
            first += 1
        if first == len(lines):
            break
        end = _end(lines, first)
        found.append(Block(tuple(lines[start:first]), tuple(lines[first:end])))
        start = end
    return found


def _end(lines: Sequence[str], first: int) -> int:
    """Return where the block ends that begins with a line."""
    level, end = indent_of(lines[first]), first + 1
    while lines[end - 1].lstrip().startswith("@") or (end < len(lines) and _goes_on(lines, end)):
        following = next((n for n in range(end, len(lines)) if lines[n].strip()), None)
        if following is None:
            break
        is_inside = indent_of(lines[following]) > level
        is_end = indent_of(lines[following]) == level and following == end
        if not (is_inside or (is_end and _joins(lines, end))):
            break
        end = following + 1
    return end


def _goes_on(lines: Sequence[str], end: int) -> bool:
    return any(line.strip() for line in lines[end:])


def _joins(lines: Sequence[str], end: int) -> bool:
    """Return whether a line belongs to the one before, on the same level: to close or decorate."""
    before = lines[end - 1]
    is_decorated = before.lstrip().startswith("@") and not before.rstrip().endswith("(")
    return bool(CLOSES.match(lines[end])) or is_decorated
