"""Are the values of a raster classes, or measurements? Its pixels say; tags and people correct."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from backend_django.processing.errors import ProcessingError

from . import gdal
from .apply_options import missing_value
from .inspection import Inspection
from .labels import Label
from .options import MAX_CLASSES, Options
from .recipe import sample_windows
from .statistics import BandStatistics, windows
from .validity import Validity

_MOST = 64  # different values that are taken for classes without being told
_PIXELS_EACH = 16  # of each class, on average, or there are too few to say
_ORDERED = 6  # so many different values may be measured in steps, as low slopes or depths are
# By how many ranks neighbours differ where they differ, of what it would be in no order at all.
_STEPS = 0.45

# Apart for most eyes, after Tableau's and ColorBrewer's sets.
COLOURS = (
    "4e79a7", "f28e2b", "59a14f", "e15759", "76b7b2", "edc948", "b07aa1", "9c755f", "ff9da7",
    "bab0ac", "1b9e77", "d95f02", "7570b3", "e7298a", "66a61e", "e6ab02", "a6761d", "666666",
    "a6cee3", "b2df8a", "fb9a99", "fdbf6f", "cab2d6", "ffff99",
)  # fmt: skip


def are_classes(
    source: Path, facts: Inspection, options: Options, measured: Sequence[BandStatistics]
) -> bool:
    """Say whether the values of an upload are classes, of which no mean may be taken.

    Raises:
        ProcessingError: too_many_classes.
    """
    if options.values == "continuous" or facts.is_complex:
        return False
    found = [
        statistics.classes()
        for statistics, meaning in zip(measured, facts.interpretations, strict=True)
        if meaning != "alpha"
    ]
    if options.values == "classes":
        if None in found:
            raise ProcessingError(
                "too_many_classes",
                "The raster has more than %(most)s different values, or some "
                "that are no whole numbers, so they cannot be classes. Choose "
                "“measurements” as its values.",
                most=MAX_CLASSES,
            )
        return True
    if facts.has_palette:
        return True
    if {"red", "green", "blue"} <= set(facts.interpretations) or not any(found):
        return False
    return all(
        classes is not None and _look_like_classes(source, facts, options, band, classes)
        for band, classes in enumerate(found)
        if classes != []
    )


def may_be_classes(source: Path, facts: Inspection, options: Options) -> bool:
    """Say whether some windows leave it open that `are_classes` will find classes in all pixels.

    Raises:
        rasterio.errors.RasterioError: a block cannot be decoded.
    """
    if options.values != "auto" or facts.has_palette:
        return options.values != "continuous"
    if facts.is_complex or {"red", "green", "blue"} <= set(facts.interpretations):
        return False
    bands = {
        index: set[float]()
        for index, meaning in zip(
            options.bands or range(1, facts.count + 1), facts.interpretations, strict=True
        )
        if meaning != "alpha"
    }
    with rasterio.Env(), gdal.open_upload(source) as dataset:
        validity = Validity(dataset, options.bands, missing_value(options))
        for window in sample_windows(facts, options.block_size):
            for index, found in bands.items():
                values = dataset.read(index, window=window)
                valid = validity.valid(index, window, values)
                values = values.ravel() if valid is None else values[valid]
                if values.dtype.kind == "f":
                    values = values[np.isfinite(values)]
                    if (values != np.floor(values)).any():
                        return False
                found.update(np.unique(values).tolist())
                if len(found) > _MOST:
                    return False
    return True


def _look_like_classes(
    source: Path,
    facts: Inspection,
    options: Options,
    band: int,
    classes: list[tuple[int, int, float]],
) -> bool:
    pixels = sum(count for _, count, _ in classes)
    fewest = 2 if pixels == facts.width * facts.height else 1  # of one, the rest is not in it
    if not fewest <= len(classes) <= _MOST or pixels < _PIXELS_EACH * len(classes):
        return False
    if len(classes) < _ORDERED:
        return True
    index = (options.bands or range(1, band + 2))[band]
    steps = _mean_step(source, options, index, np.array([value for value, _, _ in classes]))
    return steps is None or steps > _STEPS * (len(classes) + 1) / 3


def _mean_step(source: Path, options: Options, band: int, known: Any) -> float | None:
    """Return by how many ranks neighbours differ where they differ, in one window amid a raster."""
    with rasterio.Env(), gdal.open_upload(source) as dataset:
        every = [window for _, window in windows(dataset, dataset.count)]
        window = every[len(every) // 2]
        values = dataset.read(band, window=window)
        validity = Validity(dataset, options.bands, missing_value(options))
        valid = validity.valid(band, window, values)
    ranks = np.searchsorted(known, values)
    steps = np.abs(np.diff(ranks, axis=1))
    changed = steps > 0
    if valid is not None:
        changed &= valid[:, 1:] & valid[:, :-1]
    return float(steps[changed].mean()) if changed.any() else None


def describe_classes(
    statistics: BandStatistics,
    palette: Mapping[int, Sequence[int]] | None,
    labels: Mapping[int, Label],
) -> list[dict[str, Any]]:
    """Return the legend of a band: each value with its colour, and how much of it there is."""
    found = []
    for rank, (value, count, area) in enumerate(statistics.classes() or []):
        label = labels.get(value, Label())
        colour = label.colour or COLOURS[rank % len(COLOURS)]
        if palette:
            colour = bytes(palette.get(value, (0, 0, 0))[:3]).hex()
        found.append(
            {
                "value": value,
                "name": label.name,
                "colour": colour,
                "count": count,
                "area": round(area, 1),
            }
        )
    return found
