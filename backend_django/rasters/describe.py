"""What a finished COG is like: its grid, its place, and the distribution of each band's values."""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS

from backend_django.utils.text import clean_label

from .footprint import footprint
from .georeference import crs_of, pixel_to_degrees
from .images import draw, unmultiply
from .inspection import Inspection
from .styles import Style, default_style
from .tiff import is_premultiplied, overview_factors

BINS = 64
_SAMPLE_PIXELS = 1024  # the overview that is looked at has at most this many pixels a side

_EQUATOR_METRES = 2 * math.pi * 6378137.0
_MAX_ZOOM = 24
_PLACES = 5  # along each side, where the size of a pixel is looked at
_PICTURE_PIXELS = 128  # smaller rasters are drawn with larger pixels, up to this size


PREVIEW_PIXELS = 480  # the longer side at most


def describe(path: Path, facts: Inspection, preview: Path) -> dict[str, Any]:
    """Return what results/<id>/ says about a COG, apart from the file itself; write its preview.

    The statistics are those of the first overview of at most 1024 pixels a side: exact for small
    rasters, and close to it for large ones, except that averaging narrows the extremes a little.
    """
    with rasterio.Env(), rasterio.open(path, driver="GTiff") as dataset:
        crs = crs_of(dataset)
        bands = [_describe_band(dataset, index, facts) for index in dataset.indexes]
        preview.write_bytes(_preview(dataset, default_style(bands)))
        return {
            "width": dataset.width,
            "height": dataset.height,
            "dtype": facts.dtype,
            "crs": _describe_crs(crs),
            "transform": None if dataset.gcps[0] else [float(n) for n in dataset.transform[:6]],
            "bounds": facts.bounds,
            "nodata": plain_number(facts.nodata),
            "overviews": overview_factors(dataset),
            "block_size": list(dataset.block_shapes[0]),
            "compression": dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", "NONE"),
            "bands": bands,
            "footprint": footprint(dataset, facts.bounds),
            "maxzoom": native_zoom(dataset),
        }


def plain_number(value: float | int | None) -> float | int | str | None:
    """Return a number as JSON, and the JavaScript that reads it, can hold it.

    NaN and infinities become "nan", "inf" and "-inf"; integers beyond 2^53 become their digits.
    """
    if value is None:
        return None
    if isinstance(value, int):
        return value if abs(value) <= 2**53 else str(value)
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def native_zoom(dataset: Any) -> int:
    """Return the zoom level at which a pixel of the map is no larger than one of the raster.

    That of a very small raster is deeper, or there would be nothing to look at.
    """
    pixel = _pixel_metres(dataset)
    zoom = math.log2(_EQUATOR_METRES / 256 / pixel)
    larger = math.floor(math.log2(_PICTURE_PIXELS / max(dataset.width, dataset.height)))
    return min(_MAX_ZOOM, max(0, math.ceil(zoom - 0.05) + max(0, larger)))


def _pixel_metres(dataset: Any) -> float:
    """Return the size of a pixel amid the raster, in the metres of Web Mercator."""
    columns, rows = np.meshgrid(
        np.linspace(0, dataset.width, 2 * _PLACES + 1)[1::2],
        np.linspace(0, dataset.height, 2 * _PLACES + 1)[1::2],
    )
    sides = np.array([[0, 0], [0.5, 0], [-0.5, 0], [0, 0.5], [0, -0.5]])
    longitude, latitude = pixel_to_degrees(dataset)(
        columns.ravel() + sides[:, :1], rows.ravel() + sides[:, 1:]
    )
    with np.errstate(invalid="ignore"):
        east = np.unwrap(np.radians(longitude), axis=0)
        north = np.arctanh(np.sin(np.radians(np.clip(latitude, -85.06, 85.06))))
        across, down = (
            np.hypot(east[a] - east[b], north[a] - north[b]) for a, b in ((1, 2), (3, 4))
        )
        sizes = np.sqrt(across * down)
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    size = float(np.median(sizes)) if sizes.size else 1e-9
    return size * _EQUATOR_METRES / (2 * math.pi)


def _describe_crs(crs: CRS) -> dict[str, Any]:
    wkt = crs.to_wkt()
    return {"epsg": crs.to_epsg(), "name": clean_label(wkt.split('"')[1]), "wkt": wkt}


def _describe_band(dataset: Any, index: int, facts: Inspection) -> dict[str, Any]:
    band = {
        "index": index,
        "dtype": dataset.dtypes[index - 1],
        "color_interpretation": dataset.colorinterp[index - 1].name,
        "description": facts.descriptions[index - 1],
        "unit": facts.units[index - 1],
        "scale": plain_number(dataset.scales[index - 1]),
        "offset": plain_number(dataset.offsets[index - 1]),
    }
    return band | _statistics(_sample(dataset, index))


def _preview(dataset: Any, style: Style) -> bytes:
    """Return a small WebP picture of the whole raster, in its own grid with north up."""
    factor = max(1.0, max(dataset.width, dataset.height) / PREVIEW_PIXELS)
    shape = max(1, round(dataset.height / factor)), max(1, round(dataset.width / factor))
    values = dataset.read(style.bands, out_shape=(len(style.bands), *shape))
    mask = dataset.dataset_mask(out_shape=shape)
    if is_premultiplied(Path(dataset.name)):
        values = unmultiply(values, mask)
    try:
        palette = dataset.colormap(style.bands[0])
    except ValueError:
        palette = None
    if np.issubdtype(values.dtype, np.inexact):
        mask = np.where(np.isnan(values).all(axis=0), np.uint8(0), mask)
    if dataset.transform.e > 0:
        values, mask = values[:, ::-1], mask[::-1]
    picture = Image.open(io.BytesIO(draw(values, mask, style, palette).content))
    buffer = io.BytesIO()
    has_alpha = "A" in picture.mode or "transparency" in picture.info
    picture.convert("RGBA" if has_alpha else "RGB").save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def _sample(dataset: Any, index: int) -> NDArray[np.float64]:
    """Return the valid values of a band, from an overview; the magnitudes of complex ones."""
    shrink = max(1.0, max(dataset.width, dataset.height) / _SAMPLE_PIXELS)
    factors = [1, *overview_factors(dataset)]
    factor = next((f for f in factors if f >= shrink), math.ceil(shrink))
    shape = (math.ceil(dataset.height / factor), math.ceil(dataset.width / factor))
    pixels = dataset.read(index, out_shape=shape)
    valid = dataset.read_masks(index, out_shape=shape) > 0
    values = np.abs(pixels[valid]) if np.iscomplexobj(pixels) else pixels[valid]
    values = values.astype(np.float64)
    return values[np.isfinite(values)]


def _statistics(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return statistics of finite values; all None when there are none."""
    names = ("minimum", "maximum", "mean", "std", "percentile_2", "percentile_98")
    if not values.size:
        return {**dict.fromkeys(names), "histogram": None}
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = float(values.min()), float(values.max())
        numbers = [low, high, values.mean(), values.std(), *np.percentile(values, (2, 98))]
        try:
            counts, edges = np.histogram(values, BINS, (low, high))
            histogram = {"counts": counts.tolist(), "edges": [float(edges[0]), float(edges[-1])]}
        except ValueError:  # the range is too wide, or too narrow at its size, for 64 classes
            histogram = None
    finite = [float(n) if math.isfinite(n) else None for n in numbers]
    return {**dict(zip(names, finite, strict=True)), "histogram": histogram}
