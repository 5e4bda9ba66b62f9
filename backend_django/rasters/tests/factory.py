"""Synthetic rasters of every kind, made where a test wants them."""

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp

UTM32 = "EPSG:32632"
ORIGIN = Affine(10, 0, 500_000, 0, -10, 5_200_000)  # 10 m pixels, west of Bolzano
SHEARED = ORIGIN * Affine.shear(2, 1)
PALETTE: dict[int, tuple[int, ...]] = {
    0: (0, 0, 0, 255),  # a palette in a TIFF has no transparency
    1: (20, 110, 180, 255),
    2: (60, 160, 70, 255),
    3: (230, 200, 90, 255),
    4: (250, 250, 250, 255),
}


@cache
def landscape(height: int, width: int, seed: int = 1) -> NDArray[np.float64]:
    """Return smooth hills with a little noise, 0 to 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 97.0
    hills = np.sin(x + seed) * np.cos(y * 0.7) + np.sin(1.7 * y - 0.4 * x) + np.cos(0.31 * x * seed)
    hills += rng.normal(0, 0.05, hills.shape)
    hills = (hills - hills.min()) / max(float(np.ptp(hills)), 1e-9)
    hills.flags.writeable = False
    return hills


def pixels(dtype: str, count: int = 1, height: int = 300, width: int = 420) -> NDArray[Any]:
    """Return bands of a landscape that use the range of their type."""
    bands = np.stack([landscape(height, width, seed + 1) for seed in range(count)])
    if dtype.startswith("complex"):
        if dtype == "complex_int16":
            return (np.round(bands * 900) + 1j * np.round(bands * 70)).astype("complex64")
        return (bands * np.exp(1j * bands * 5)).astype(dtype)
    if dtype.startswith("float"):
        return (bands * 2800 - 120).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -30_000) + 1, min(limits.max, 60_000)
    return (bands * (high - low) + low).astype(dtype)


def write(
    path: Path,
    values: NDArray[Any],
    *,
    crs: Any = UTM32,
    transform: Affine | None = ORIGIN,
    mask: NDArray[Any] | None = None,
    palette: dict[int, tuple[int, ...]] | None = None,
    alpha: bool = False,
    gcps: tuple[list[GroundControlPoint], Any] | None = None,
    overviews: list[int] | None = None,
    **profile: Any,
) -> Path:
    """Write bands (count, height, width) to a GeoTIFF."""
    count, height, width = values.shape
    profile = {"dtype": values.dtype.name, "crs": crs, **profile}
    if transform is not None:
        profile["transform"] = transform
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path, "w", driver="GTiff", width=width, height=height, count=count, **profile
        ) as dataset,
    ):
        if gcps:
            dataset.gcps = gcps
        if alpha:
            dataset.colorinterp = [*dataset.colorinterp[:-1], ColorInterp.alpha]
        if palette:
            dataset.write_colormap(1, palette)
        dataset.write(values)
        if mask is not None:
            dataset.write_mask(mask)
        if overviews:
            dataset.build_overviews(overviews)
    return path


def ellipse(height: int, width: int) -> NDArray[np.uint8]:
    """Return a mask: 255 within an ellipse that fills the image, else 0."""
    y, x = np.mgrid[0:height, 0:width]
    distance = ((x - width / 2) / (width / 2)) ** 2 + ((y - height / 2) / (height / 2)) ** 2
    return np.where(distance < 1, 255, 0).astype(np.uint8)


def rotated(angle: float, pixel: float = 10.0) -> Affine:
    """Return a geotransform whose rows run `angle` degrees off the east."""
    return (
        Affine.translation(500_000, 5_200_000)
        * Affine.rotation(angle)
        * Affine.scale(pixel, -pixel)
    )


def ground_control_points(height: int, width: int) -> tuple[list[GroundControlPoint], Any]:
    """Return points on a grid that place an image as SHEARED does."""
    points = [
        GroundControlPoint(row=row, col=column, x=x, y=y)
        for row in np.linspace(0, height, 4)
        for column in np.linspace(0, width, 4)
        for x, y in [_apply(SHEARED, column, row)]
    ]
    return points, rasterio.crs.CRS.from_string(UTM32)


def _apply(t: Affine, column: float, row: float) -> tuple[float, float]:
    return t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f


def tile_of(longitude: float, latitude: float, zoom: int) -> tuple[int, int, int]:
    """Return the tile a place is in."""
    n = 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
    return zoom, int((longitude + 180) / 360 * n) % n, min(n - 1, max(0, int(y * n)))
