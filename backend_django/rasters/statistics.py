"""Exact statistics of a raster's pixels, in one look at each.

Only two numbers are of a sample where values are many: the percentiles, which nothing but the
colours of the map depends on.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from . import gdal
from .georeference import PixelAreas
from .inspection import Inspection
from .options import MAX_CLASSES
from .validity import Validity

BINS = 64  # of a histogram, at most

_WINDOW_BYTES = 48 * 1024**2  # at once: what is decoded of all bands, and what is counted by
_COUNTED_BYTES = 16  # beside a pixel: its area, and its value as an index
_SAMPLE = 2**22  # values of all bands together that percentiles are of
_FINE_BINS = 1024
AT_ONCE = 2**17  # values: arrays of more are new pages of memory, which take longer than the sums
_LARGE_EXPONENT = 1000  # whose power of two may not be a number
_SMALLEST = -1074  # exponent of the smallest number
_CONSTANT = -40  # exponent of a bin's width, beside a value that is the only one

Values = NDArray[Any]
Progress = Callable[[float], None]


class Histogram:
    """Counts of values in bins that are powers of two wide, and wider the farther values reach.

    So that counting can begin before minimum and maximum are known, and no count is a guess.
    """

    def __init__(self) -> None:
        self.exponent = _SMALLEST  # a bin is 2 ** exponent wide
        self.first = 0  # bin of the first count, in widths from zero
        self.counts = np.zeros(0, np.int64)
        self.low, self.high = math.inf, -math.inf

    def add(self, values: Values, low: float, high: float, times: int = 1) -> None:
        """Count finite values, of which `low` and `high` are the extremes, each so many times."""
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._widen(max(self.exponent, _exponent(self.low, self.high)))
        # Both are exact; only the first is quick.
        quick = abs(self.exponent) < _LARGE_EXPONENT
        scaled = values * 2.0**-self.exponent if quick else np.ldexp(values, -self.exponent)
        bins = np.floor(scaled, out=scaled).astype(np.int64)
        if low < 0:  # so close to zero that the division gives it
            bins[(bins == 0) & (values < 0)] = -1
        first = int(bins.min())
        counts = np.bincount(bins - first) * times
        start = min(first, self.first) if self.counts.size else first
        end = max(first + len(counts), self.first + len(self.counts) if self.counts.size else first)
        total = np.zeros(end - start, np.int64)
        if self.counts.size:
            total[self.first - start :][: len(self.counts)] += self.counts
        total[first - start :][: len(counts)] += counts
        self.first, self.counts = start, total

    def _edge(self, bin_: int) -> float:
        with np.errstate(over="ignore"):
            return float(np.ldexp(float(bin_), self.exponent))

    def _widen(self, exponent: int) -> None:
        shift = exponent - self.exponent
        if shift and self.counts.size:
            bins = (self.first + np.arange(len(self.counts))) >> min(shift, 63)
            self.first = int(bins[0])
            self.counts = np.bincount(bins - self.first, self.counts).astype(np.int64)
        self.exponent = exponent

    def summary(self) -> dict[str, Any] | None:
        """Return at most BINS counts, and the edges of the first and the last."""
        if self.low == self.high == 0:
            self._widen(_CONSTANT)
        while len(self.counts) > BINS:
            self._widen(self.exponent + 1)
        edges = [self._edge(self.first), self._edge(self.first + len(self.counts))]
        if not self.counts.size or not all(map(math.isfinite, edges)) or edges[0] == edges[1]:
            return None
        return {"counts": self.counts.tolist(), "edges": edges}


def _exponent(low: float, high: float) -> int:
    """Return that of bins of which _FINE_BINS at most reach from low to high."""
    span = high / 2 - low / 2  # the whole may be more than there is
    if span <= 0:  # a zero says nothing of how small the others are
        return max(_SMALLEST, math.frexp(low)[1] + _CONSTANT) if low else _SMALLEST
    return max(_SMALLEST, math.frexp(span)[1] + 2 - _FINE_BINS.bit_length())


class BandStatistics:
    """Statistics of the valid values of a band; of complex ones, of their magnitudes."""

    def __init__(self, dtype: str, every: int) -> None:
        """Begin.

        Args:
            every: of how many values one is in the sample for the percentiles.
        """
        kind = np.dtype("complex64" if dtype == "complex_int16" else dtype)
        self._few = kind.kind in "iu" and kind.itemsize <= 2
        self._lowest = int(np.iinfo(kind).min) if self._few else 0
        self._counts = np.zeros(256**kind.itemsize if self._few else 0, np.int64)
        self._areas = np.zeros(len(self._counts))
        self._classes: dict[int, tuple[int, float]] | None = {}
        self._whole = kind.kind in "iu"
        self._every, self._sample = every, [np.zeros(0)]
        self._histogram = Histogram()
        self.count, self._mean, self._squares = 0, 0.0, 0.0
        self._low: float | int = math.inf
        self._high: float | int = -math.inf

    def add(self, values: Values, areas: NDArray[np.float64] | None) -> None:
        """Count valid values.

        Args:
            areas: of each pixel, in square metres.
        """
        if values.dtype.kind == "c":
            values = np.abs(values)
        if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
            values, areas = values[finite], None if areas is None else areas[finite]
        if self._few and values.size:
            self._add_few(values, areas)
            return
        for begin in range(0, len(values), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            self._add_many(values[part], None if areas is None else areas[part])

    def add_constant(self, value: float | int, times: int, area: float) -> None:
        """Count a valid value many times, without looking at each."""
        if self._few:
            self._counts[int(value) - self._lowest] += times
            self._areas[int(value) - self._lowest] += area
        elif math.isfinite(value):
            self._add_class(value, times, area)
            self._merge(np.array([float(value)]), value, value, times)
            self._sample.append(np.full(times // self._every, float(value)))

    def _add_few(self, values: Values, areas: NDArray[np.float64] | None) -> None:
        # As unsigned numbers, of which the upper half are the negative ones.
        at, size = values.view(f"u{values.itemsize}").ravel(), len(self._counts)
        self._counts += np.roll(np.bincount(at, minlength=size), self._lowest)
        if areas is not None:
            self._areas += np.roll(np.bincount(at, areas.ravel(), size), self._lowest)

    def _add_many(self, values: Values, areas: NDArray[np.float64] | None) -> None:
        self._add_classes(values, areas)
        self._merge(values.astype(np.float64), values.min().item(), values.max().item())
        self._sample.append(values[:: self._every].astype(np.float64))

    def _merge(self, numbers: Values, low: float, high: float, times: int = 1) -> None:
        self._low, self._high = min(self._low, low), max(self._high, high)
        with np.errstate(over="ignore", invalid="ignore"):
            self._histogram.add(numbers, float(low), float(high), times)
            mean, count = float(numbers.mean()), numbers.size * times
            numbers -= mean
            squares = float(np.dot(numbers, numbers)) * times
            total = self.count + count
            apart = mean - self._mean
            self._squares += squares + apart * apart * self.count * count / total
            self._mean += apart * count / total
        self.count = total

    def _add_classes(self, values: Values, areas: NDArray[np.float64] | None) -> None:
        if self._classes is None:
            return
        # Most rasters with many values have them within a few thousand pixels.
        if len(np.unique(values[:4096])) > MAX_CLASSES or not (
            self._whole or (values == np.floor(values)).all()
        ):
            self._classes = None
            return
        found, at, counts = np.unique(values, return_inverse=True, return_counts=True)
        sizes = np.zeros(len(found)) if areas is None else np.bincount(at.ravel(), areas.ravel())
        for value, count, size in zip(found.tolist(), counts.tolist(), sizes.tolist(), strict=True):
            self._add_class(value, count, size)

    def _add_class(self, value: float, count: int, area: float) -> None:
        if self._classes is None:
            return
        known, size = self._classes.get(int(value), (0, 0.0))
        self._classes[int(value)] = known + count, size + area
        if len(self._classes) > MAX_CLASSES:
            self._classes = None

    @property
    def may_be_classes(self) -> bool:
        """Whether the values may still be few enough to be counted one by one."""
        if self._few:
            return int(np.count_nonzero(self._counts)) <= MAX_CLASSES
        return self._classes is not None

    def classes(self) -> list[tuple[int, int, float]] | None:
        """Return each value with its count and its area; None where they are too many."""
        if self._few:
            at = np.flatnonzero(self._counts)
            if len(at) > MAX_CLASSES:
                return None
            return [
                (int(i) + self._lowest, int(self._counts[i]), float(self._areas[i])) for i in at
            ]
        if not self._classes:
            return None
        return [(value, *found) for value, found in sorted(self._classes.items())]

    def summary(self) -> dict[str, Any]:
        """Return the numbers by their names in a result; None for those that there are not."""
        if self._few:
            self._sum_up()
        names = ("minimum", "maximum", "mean", "std", "percentile_2", "percentile_98")
        if not self.count:
            return {**dict.fromkeys(names), "valid_count": 0, "histogram": None}
        percentiles = (
            self._percentiles()
            if self._few
            else np.percentile(np.concatenate(self._sample), (2, 98))
        )
        deviation = math.sqrt(max(0.0, self._squares) / self.count)
        numbers = [self._low, self._high, self._mean, deviation, *map(float, percentiles)]
        return {
            **{n: v if math.isfinite(v) else None for n, v in zip(names, numbers, strict=True)},
            "valid_count": self.count,
            "histogram": self._histogram.summary(),
        }

    def _sum_up(self) -> None:
        at = np.flatnonzero(self._counts)
        if not len(at):
            return
        values, counts = at + self._lowest, self._counts[at]
        self.count = int(counts.sum())
        self._low, self._high = int(values[0]), int(values[-1])
        self._mean = float(np.dot(values.astype(np.float64), counts)) / self.count
        self._squares = float(np.dot((values - self._mean) ** 2, counts))
        self._histogram = Histogram()
        self._histogram.exponent, self._histogram.first = 0, self._low
        self._histogram.counts = self._counts[at[0] : at[-1] + 1].copy()

    def _percentiles(self) -> list[float]:
        """Return what numpy would find between the two nearest of all values."""
        until = np.cumsum(self._counts)
        found = []
        for share in (0.02, 0.98):
            place = share * (self.count - 1)
            below, above = (
                int(np.searchsorted(until, rank, "right")) + self._lowest
                for rank in (math.floor(place), math.ceil(place))
            )
            found.append(below + (above - below) * (place - math.floor(place)))
        return found


def measure(
    path: Path,
    facts: Inspection,
    bands: Sequence[int],
    progress: Progress,
    nodata: tuple[Any] | None = None,
) -> list[BandStatistics]:
    """Look at every pixel of a raster once.

    Args:
        facts: as the header will say; of the bands that are looked at.
        bands: those, by their numbers in the file; () is all.
        nodata: the value to take for missing instead of the file's, None for no value.

    Raises:
        rasterio.errors.RasterioError: a block cannot be decoded.
        ProcessingError: external_overviews.
    """
    with rasterio.Env(), gdal.open_upload(path, NUM_THREADS="ALL_CPUS") as dataset:
        indexes = list(bands or dataset.indexes)
        every = sampling_step(dataset.width, dataset.height, len(indexes))
        found = [BandStatistics(facts.dtype, every) for _ in indexes]
        areas = PixelAreas(dataset)
        validity = Validity(dataset, bands, nodata)
        # A mask says more than whether a block is there.
        sparse = facts.stored < 1 and not validity.is_drawn
        with gdal.Coverage(path) if sparse else nullcontext() as coverage:
            for share, window in windows(dataset, len(indexes)):
                if coverage and coverage.is_empty(indexes, window):
                    _add_empty(found, dataset, window, areas, nodata)
                else:
                    _add_window(found, dataset, indexes, window, areas, validity)
                progress(share)
    return found


def sampling_step(width: int, height: int, count: int) -> int:
    """Return of how many values one is in the samples of `count` bands together."""
    return max(1, width * height * count // _SAMPLE) | 1


def _add_window(
    found: list[BandStatistics],
    dataset: Any,
    indexes: list[int],
    window: Window,
    areas: PixelAreas,
    validity: Validity,
) -> None:
    pixels = dataset.read(indexes, window=window)
    sizes = None
    if any(statistics.may_be_classes for statistics in found):
        sizes = areas.of(window)
    for statistics, index, values in zip(found, indexes, pixels, strict=True):
        valid = validity.valid(index, window, values)
        if valid is None:
            statistics.add(values.ravel(), None if sizes is None else sizes.ravel())
        else:
            statistics.add(values[valid], None if sizes is None else sizes[valid])


def _add_empty(
    found: list[BandStatistics],
    dataset: Any,
    window: Window,
    areas: PixelAreas,
    nodata: tuple[Any] | None,
) -> None:
    """Count what GDAL gives for blocks that are not in the file: nodata, or 0."""
    for index, statistics in enumerate(found):
        value = dataset.nodatavals[index]
        missing = value if nodata is None else nodata[0]
        value = 0 if value is None else value
        if missing is None or not (value == missing or (value != value and missing != missing)):
            count = int(window.width * window.height)
            statistics.add_constant(value, count, float(areas.of(window).sum()))


def windows(dataset: Any, bands: int) -> Iterator[tuple[float, Window]]:
    """Yield windows of whole blocks that cover a raster, with the share that is read after each."""
    high, wide = dataset.block_shapes[0]
    item = np.dtype("complex64" if dataset.dtypes[0] == "complex_int16" else dataset.dtypes[0])
    most = _WINDOW_BYTES // (bands * item.itemsize + _COUNTED_BYTES)
    step_down, step_across = high, wide
    while step_across < dataset.width and 2 * step_across * step_down <= most:
        step_across *= 2
    while step_down < dataset.height and 2 * step_across * step_down <= most:
        step_down *= 2
    for top in range(0, dataset.height, step_down):
        bottom = min(dataset.height, top + step_down)
        for left in range(0, dataset.width, step_across):
            right = min(dataset.width, left + step_across)
            read = (top * dataset.width + (bottom - top) * right) / (dataset.width * dataset.height)
            yield read, Window(left, top, right - left, bottom - top)
