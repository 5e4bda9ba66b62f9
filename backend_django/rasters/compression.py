"""Compress the blocks of a TIFF, without holding up the threads that do the same.

DEFLATE at level 1 is by ISA-L, in a fifth of the time that GDAL's libdeflate takes, and smaller.
All else is by GDAL, as a TIFF in memory.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from affine import Affine
from isal import isal_zlib
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from .tiff import COUNTS, OFFSETS, numbers, read_entries

# Takes a row of whole blocks, as (bands, rows, columns), and returns each one compressed.
Compress = Callable[[NDArray[Any]], list[bytes]]

_ANYWHERE = Affine.translation(0, 1)  # rasterio warns of a raster that is nowhere
_HORIZONTAL, _FLOATING = 2, 3  # TIFF's predictors


def compressor(creation: Mapping[str, str]) -> Compress:
    """Return what compresses blocks as these creation options of GDAL's COG driver say."""
    side, predict = int(creation["BLOCKSIZE"]), creation.get("PREDICTOR") == "YES"
    if (creation["COMPRESS"], creation.get("LEVEL")) == ("DEFLATE", "1"):
        return lambda pixels: deflate(pixels, side, predicted=predict)
    options: dict[str, Any] = {"compress": creation["COMPRESS"]}
    if level := creation.get("LEVEL"):
        options["zlevel" if creation["COMPRESS"] == "DEFLATE" else "zstd_level"] = level
    return lambda pixels: _compress_by_gdal(pixels, side, predict, options)


def predict(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Apply TIFF's predictor to pixels of shape (rows, columns, bands)."""
    if pixels.dtype.kind == "f":
        # Predictor 3: the bytes of a row sorted by significance, then differences of bytes.
        rows = pixels.reshape(pixels.shape[0], -1).astype(pixels.dtype.newbyteorder(">"))
        planes = rows.view(np.uint8).reshape(*rows.shape, pixels.dtype.itemsize)
        values = planes.transpose(0, 2, 1).reshape(pixels.shape[0], -1)
        stride = pixels.shape[2]
        differences = values.copy()
        differences[:, stride:] -= values[:, :-stride]
        return differences
    differences = pixels.copy()
    differences[:, 1:] -= pixels[:, :-1]
    return differences.view(np.uint8)


def deflate(pixels: NDArray[Any], side: int, *, predicted: bool) -> list[bytes]:
    """Return the blocks of a row of them, (bands, rows, columns), by DEFLATE at level 1.

    Args:
        side: columns of a block.
        predicted: whether TIFF's predictor is applied first.
    """
    blocks = []
    for left in range(0, pixels.shape[2], side):
        block = np.stack([*pixels[:, :, left : left + side]], axis=-1)
        blocks.append(isal_zlib.compress(predict(block) if predicted else block, 1))
    return blocks


def _compress_by_gdal(
    pixels: NDArray[Any], side: int, predicted: bool, options: dict[str, Any]
) -> list[bytes]:
    count, height, width = pixels.shape
    predictor = (_FLOATING if pixels.dtype.kind == "f" else _HORIZONTAL) if predicted else 1
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", count=count, height=height, width=width, dtype=pixels.dtype,
            transform=_ANYWHERE, tiled=True, blockxsize=side, blockysize=side,
            interleave="pixel", predictor=predictor, **options,
        ) as dataset:  # fmt: skip
            dataset.write(pixels)
        content = memory.getbuffer()
        form, _, entries = read_entries(io.BytesIO(content))
        places, sizes = (
            numbers(form, next(entry for entry in entries if entry.tag == tag))
            for tag in (OFFSETS, COUNTS)
        )
        return [
            bytes(content[place : place + size])
            for place, size in zip(places.tolist(), sizes.tolist(), strict=True)
        ]
