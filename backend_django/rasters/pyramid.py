"""Make the levels of a COG, from the full size to the smallest overview, while rows come in.

Rows of a level are there until their blocks are compressed and the next smaller level is made of
them, so memory does not grow with the height of a raster.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window

from . import gdal
from .compression import Compress

RESAMPLINGS = {"AVERAGE", "MODE", "NEAREST"}
AROUND = 4  # bytes before each block, and after it: its size, and its last bytes again

_AHEAD_BYTES = 48 * 1024**2  # decoded and not yet compressed
_CACHE_BYTES = 32 * 1024**2  # GDAL's, of blocks that are not needed again
_PIECE = 1024  # columns that one thread decodes, or makes smaller, at once
_BLOCKS = 8  # that one thread compresses at once
_EPSILON = 1e-8  # of a pixel, as GDAL's resampling has it
_ANYWHERE = Affine.translation(0, 1)  # rasterio warns of a raster that is nowhere

Pixels = NDArray[Any]  # bands, rows, columns
Progress = Callable[[float], None]


@dataclass(frozen=True)
class How:
    """The storage layout of pixels."""

    count: int
    dtype: np.dtype[Any]
    nodata: float | None
    side: int  # of a block
    resampling: str
    compress: Compress


class Reader:
    """Decodes an upload in several threads, each of which needs GDAL's dataset for itself."""

    def __init__(self, stack: ExitStack, source: Path, bands: Sequence[int], count: int) -> None:
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES))
        self._datasets: SimpleQueue[Any] = SimpleQueue()
        for _ in range(count):
            dataset = stack.enter_context(gdal.open_upload(source))
            self._datasets.put(dataset)
        self._indexes = list(bands or dataset.indexes)
        self.block_shape: tuple[int, int] = dataset.block_shapes[0]

    def read(self, pixels: Pixels, top: int, left: int) -> Pixels:
        """Fill an array with what is in the upload there."""
        dataset = self._datasets.get()
        try:
            window = Window(left, top, pixels.shape[2], pixels.shape[1])
            found: Pixels = dataset.read(self._indexes, window=window, out=pixels)
        finally:
            self._datasets.put(dataset)
        return found

    def pieces(self, pixels: Pixels, top: int) -> Iterator[tuple[Pixels, int, int]]:
        """Divide rows that are to be read so that hardly any block is decoded twice."""
        high, wide = self.block_shape
        _, rows, columns = pixels.shape
        if wide < columns:
            step = math.ceil(_PIECE / wide) * wide
            for left in range(0, columns, step):
                yield pixels[:, :, left : left + step], top, left
        else:
            step = math.ceil(_PIECE**2 / (columns * high)) * high
            for row in range(top // high * high, top + rows, step):
                first, last = max(row, top), min(row + step, top + rows)
                yield pixels[:, first - top : last - top], first, 0


class Store:
    """Compressed blocks of all levels, in the order in which they were ready."""

    file: BinaryIO

    def __init__(self, grids: Sequence[tuple[int, int]]) -> None:
        self.grids = grids
        self.places = [np.zeros(down * across, np.int64) for down, across in grids]
        self.sizes = [np.zeros(down * across, np.int64) for down, across in grids]
        self._end = self._waiting = 0
        self._tasks: deque[tuple[int, int, int, Future[list[bytes]]]] = deque()

    @property
    def blocks(self) -> int:
        return sum(len(places) for places in self.places)

    def add(self, level: int, first: int, size: int, task: "Future[list[bytes]]") -> None:
        """Note a task that makes blocks side by side, of which there are `size` bytes of pixels."""
        self._tasks.append((level, first, size, task))
        self._waiting += size

    def drain(self, most: int) -> None:
        """Write blocks until no more than so many bytes of pixels are still to be compressed."""
        while self._tasks and (self._waiting > most or self._tasks[0][-1].done()):
            level, index, size, task = self._tasks.popleft()
            self._waiting -= size
            for block in task.result():
                self.places[level][index], self.sizes[level][index] = self._end, len(block)
                index += 1
                self.file.write(len(block).to_bytes(AROUND, "little") + block + block[-AROUND:])
                self._end += len(block) + 2 * AROUND


class Level:
    """The full size or an overview: the rows of it that are needed at the moment."""

    def __init__(
        self,
        number: int,
        shapes: Sequence[tuple[int, int]],
        how: How,
        pool: ThreadPoolExecutor,
        store: Store,
    ) -> None:
        self.height, self.width = shapes[number]
        self._number, self._how, self._pool, self._store = number, how, pool, store
        self.smaller = None
        if number + 1 < len(shapes):
            self.smaller = Level(number + 1, shapes, how, pool, store)
        self._rows = np.empty((how.count, 0, self.width), how.dtype)
        self.row_bytes = how.count * self.width * how.dtype.itemsize
        self._first = self.end = 0  # of the rows
        self._stored = self._shrunk = 0  # rows of this level, and of the smaller one

    def room(self, count: int) -> Pixels:
        """Return an array for the next rows, which is to be filled before `advance`."""
        needed = self._stored
        if self.smaller:
            needed = min(needed, int(self._shrunk * self.height / self.smaller.height + _EPSILON))
        kept = self._rows[:, needed - self._first :]
        self._rows = np.empty((len(kept), kept.shape[1] + count, self.width), kept.dtype)
        self._rows[:, : kept.shape[1]] = kept
        self._first, self.end = needed, self.end + count
        return self._rows[:, kept.shape[1] :]

    def advance(self) -> None:
        """Do with new rows all that can be done."""
        shrinking, blocks = self.shrink(), self.take_blocks()
        self.finish(shrinking, blocks)

    def finish(self, shrinking: Sequence["Future[None]"], blocks: Sequence[Any]) -> None:
        """Wait for the rows of the smaller level, and have blocks compressed meanwhile."""
        for task in shrinking:
            task.result()
        if shrinking and self.smaller:
            self.smaller.advance()
        for index, pixels in blocks:
            compressing = self._pool.submit(_compress, pixels, self._how)
            self._store.add(self._number, index, pixels.nbytes, compressing)

    def shrink(self) -> list["Future[None]"]:
        """Begin to make those rows of the smaller level for which there are pixels."""
        if not self.smaller:
            return []
        ratios = self.height / self.smaller.height, self.width / self.smaller.width
        top, bottom = self._shrunk, int((self.end + _EPSILON) / ratios[0])
        if self.end == self.height:
            bottom = self.smaller.height
        if bottom == top:
            return []
        made, self._shrunk = self.smaller.room(bottom - top), bottom
        return [
            self._pool.submit(
                _shrink, self._rows, self._first, made[:, :, left : left + _PIECE], top, left,
                ratios, self._how,
            )
            for left in range(0, self.smaller.width, _PIECE)
        ]  # fmt: skip

    def take_blocks(self) -> list[tuple[int, Pixels]]:
        """Return the pixels of blocks that are complete, some side by side, each with its index."""
        side, across = self._how.side, -(-self.width // self._how.side)
        bottom = self.end if self.end == self.height else self.end // side * side
        found = []
        for top in range(self._stored, bottom, side):
            rows = self._rows[:, top - self._first : min(top + side, bottom) - self._first]
            for column in range(0, across, _BLOCKS):
                pixels = rows[:, :, column * side : (column + _BLOCKS) * side]
                found.append((top // side * across + column, pixels))
        self._stored = bottom
        return found


def read_through(
    reader: Reader,
    level: Level,
    rows: int,
    store: Store,
    pool: ThreadPoolExecutor,
    look: Callable[[Pixels], None],
    progress: Progress,
) -> None:
    """Decode an upload from top to bottom, and make of its rows all that is made of them.

    Args:
        rows: how many are decoded at once.
        look: is given all pixels, in their order.
    """

    def begin() -> list["Future[Pixels]"]:
        if level.end == level.height:
            return []
        top = level.end
        pixels = level.room(min(rows, level.height - top))
        return [pool.submit(reader.read, *piece) for piece in reader.pieces(pixels, top)]

    band = rows * level.row_bytes
    reading = begin()
    while reading:
        above = level.end - min(rows, level.end)
        for number, task in enumerate(reading, start=1):
            look(task.result())
            progress((above + (level.end - above) * number / len(reading)) / level.height)
        shrinking, blocks = level.shrink(), level.take_blocks()
        if ahead := 2 * band <= _AHEAD_BYTES:
            store.drain(_AHEAD_BYTES - 2 * band)
            reading = begin()
        level.finish(shrinking, blocks)
        if not ahead:
            store.drain(0)
            reading = begin()
    store.drain(0)


def _compress(pixels: Pixels, how: How) -> list[bytes]:
    down, across = (-size % how.side for size in pixels.shape[1:])
    if down or across:
        pixels = np.pad(pixels, ((0, 0), (0, down), (0, across)), mode="edge")
    return how.compress(pixels)


def _shrink(
    rows: Pixels,
    first: int,
    made: Pixels,
    top: int,
    left: int,
    ratios: tuple[float, float],
    how: How,
) -> None:
    """Fill a rectangle of an overview, as GDAL would.

    Args:
        rows: of the larger level, from the row `first`.
        made: the rectangle, which begins at `top` and `left`.
        ratios: by what the larger level is higher and wider.
    """
    starts, ends = (top, left), (top + made.shape[1], left + made.shape[2])
    if how.resampling == "NEAREST":
        down, across = (
            (0.5 + np.arange(start, end) * ratio).astype(int)
            for start, end, ratio in zip(starts, ends, ratios, strict=True)
        )
        made[:] = rows[:, (down - first)[:, None], across]
        return
    spans = [
        (int(start * ratio + _EPSILON), math.ceil(end * ratio - _EPSILON))
        for start, end, ratio in zip(starts, ends, ratios, strict=True)
    ]
    (upper, lower), (begin, stop) = spans
    pixels = rows[:, upper - first : lower - first, begin:stop]
    height, width = pixels.shape[1:]
    with rasterio.open(
        "/vsimem/overview", "w+", driver="MEM", count=how.count, dtype=how.dtype,
        nodata=how.nodata, height=height, width=width, transform=_ANYWHERE,
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
        window = Window(
            left * ratios[1] - begin,
            top * ratios[0] - upper,
            made.shape[2] * ratios[1],
            made.shape[1] * ratios[0],
        )
        dataset.read(window=window, out=made, resampling=Resampling[how.resampling.lower()])
