"""Rasters to measure with: as large as wanted, and as hard to compress as photographs."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

_PATCH = 2048  # pixels a side of what is repeated, shifted by some each time


@cache
def _patch(band: int) -> NDArray[np.float32]:
    """Hills with the noise of a camera, 0 to 1."""
    rng = np.random.default_rng(band)
    y, x = np.mgrid[0:_PATCH, 0:_PATCH] * (2 * np.pi / _PATCH)
    hills = np.sin(3 * x + band) * np.cos(2 * y) + np.sin(7 * y) + np.cos(11 * x - 5 * y)
    hills = hills / 6 + 0.5 + rng.normal(0, 0.012, hills.shape)
    return np.clip(hills, 0, 1).astype(np.float32)


def predictor(kind: str) -> int:
    """Return TIFF's predictor that suits the numbers of such a raster."""
    return 3 if kind == "float32" else 2


def make(path: Path, side: int, kind: str) -> Path:
    """Write a GeoTIFF in 512-pixel DEFLATE tiles, unless it is there.

    kind: "rgb" (three bands of 8 bits), "uint16" (four bands, as of a satellite) or "float32" (one
    band of metres, rounded to millimetres).
    """
    if path.exists():
        return path
    count, dtype = {"rgb": (3, "uint8"), "uint16": (4, "uint16"), "float32": (1, "float32")}[kind]
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": side, "height": side, "count": count, "dtype": dtype,
        "crs": "EPSG:32632", "transform": Affine(1, 0, 600_000, 0, -1, 5_200_000),
        "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1,
        "predictor": predictor(kind), "num_threads": "all_cpus",
        "bigtiff": "if_safer",
    }  # fmt: skip
    if kind != "float32":
        photometric = "rgb" if kind == "rgb" else "minisblack"
        profile |= {"photometric": photometric, "interleave": "pixel"}
    else:
        profile["nodata"] = -9999.0
    part = path.with_suffix(".part")
    with rasterio.open(part, "w", **profile) as dataset:
        for row in range(0, side, _PATCH):
            for column in range(0, side, _PATCH):
                height, width = min(_PATCH, side - row), min(_PATCH, side - column)
                bands = [
                    np.roll(_patch(band), (row // 7, column // 5), (0, 1))[:height, :width]
                    for band in range(count)
                ]
                pixels = np.stack(bands)
                largest = {"rgb": 255, "uint16": 10_000, "float32": 2800}[kind]
                values = (pixels * largest).round(0 if count > 1 else 3).astype(dtype)
                dataset.write(values, window=Window(column, row, width, height))
    part.rename(path)
    return path
