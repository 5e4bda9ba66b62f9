"""The description of a finished COG: grid, place, and the distribution of each band's values."""

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image
from rasterio.crs import CRS

from backend_django.utils.text import clean_label

from .bands import BandFacts, common_names
from .classes import describe_classes
from .footprint import footprint
from .georeference import crs_of, lacking_grid, pixel_to_degrees
from .images import Colour, draw, unmultiply
from .inspection import Inspection
from .labels import Label
from .statistics import BandStatistics
from .styles import Style, default_style
from .tiff import is_premultiplied, overview_factors
from .tile_grid import MAX_ZOOM

_EQUATOR_METRES = 2 * math.pi * 6378137.0
_PLACES = 5  # along each side, where the size of a pixel is looked at
_PICTURE_PIXELS = 128  # smaller rasters are drawn with larger pixels, up to this size


PREVIEW_PIXELS = 480  # the longer side at most


def describe(
    path: Path,
    facts: Inspection,
    preview: Path,
    measured: Sequence[BandStatistics],
    *,
    classes: bool,
    file_name: str,
    labels: Mapping[int, Label],
) -> dict[str, Any]:
    """Return what results/<id>/ says about a COG, apart from the file itself; write its preview.

    Args:
        measured: the values of its bands.
        classes: whether they are classes.
        file_name: of the upload, which may tell the sensor.
        labels: of classes, by value.
    """
    with rasterio.Env(), rasterio.open(path, driver="GTiff") as dataset:
        crs = crs_of(dataset)
        names = common_names([_band_facts(dataset, i, facts) for i in dataset.indexes], file_name)
        bands = [
            _describe_band(dataset, index, facts, statistics, labels if classes else None)
            | {"common_name": name}
            for index, statistics, name in zip(dataset.indexes, measured, names, strict=True)
        ]
        preview.write_bytes(_preview(dataset, default_style(bands)))
        return {
            "width": dataset.width,
            "height": dataset.height,
            "dtype": facts.dtype,
            "values": "classes" if classes else "continuous",
            "crs": _describe_crs(crs, facts.bounds),
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
    return min(MAX_ZOOM, max(0, math.ceil(zoom - 0.05) + max(0, larger)))


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


def _describe_crs(crs: CRS, bounds: Sequence[float]) -> dict[str, Any]:
    wkt = crs.to_wkt()
    name = clean_label(wkt.split('"')[1])
    # What GDAL and PROJ write where there is none says nothing to people.
    known = "" if name.lower() in {"unknown", "unnamed", "undefined"} else name
    accuracy, grid = lacking_grid(crs, bounds)
    return {
        "epsg": crs.to_epsg(),
        "name": known,
        "wkt": wkt,
        "accuracy": accuracy,
        "missing_grid": grid,
    }


def _band_facts(dataset: Any, index: int, facts: Inspection) -> BandFacts:
    wavelength = None
    with suppress(ValueError, UnicodeDecodeError):  # GDAL's own item, and ENVI's
        if text := dataset.tags(index, ns="IMAGERY").get("CENTRAL_WAVELENGTH_UM"):
            wavelength = float(text)
        elif text := dataset.tags(index).get("wavelength"):
            wavelength = float(text) / (1000 if float(text) > 100 else 1)
    return BandFacts(facts.descriptions[index - 1], dataset.colorinterp[index - 1].name, wavelength)


def _describe_band(
    dataset: Any,
    index: int,
    facts: Inspection,
    statistics: BandStatistics,
    labels: Mapping[int, Label] | None,
) -> dict[str, Any]:
    numbers = statistics.summary()
    interpretation = dataset.colorinterp[index - 1].name
    legend = None
    if labels is not None and interpretation != "alpha":
        legend = describe_classes(statistics, read_palette(dataset, index), labels)
    return {
        "index": index,
        "dtype": dataset.dtypes[index - 1],
        "color_interpretation": "" if interpretation == "undefined" else interpretation,
        "description": facts.descriptions[index - 1],
        "unit": facts.units[index - 1],
        "scale": plain_number(dataset.scales[index - 1]),
        "offset": plain_number(dataset.offsets[index - 1]),
        **numbers,
        "minimum": plain_number(numbers["minimum"]),
        "maximum": plain_number(numbers["maximum"]),
        "classes": legend or None,
    }


def read_palette(dataset: Any, index: int) -> dict[int, Colour] | None:
    """Return the colour table of a band."""
    try:
        palette: dict[int, Colour] = dataset.colormap(index)
    except ValueError:
        return None
    return palette


def draw_preview(path: Path, bands: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the preview of a COG that was described before, in the colours its bands have now."""
    with rasterio.Env(), rasterio.open(path, driver="GTiff") as dataset:
        return _preview(dataset, default_style(bands))


def _preview(dataset: Any, style: Style) -> bytes:
    """Return a small WebP picture of the whole raster, in its own grid with north up."""
    factor = max(1.0, max(dataset.width, dataset.height) / PREVIEW_PIXELS)
    shape = max(1, round(dataset.height / factor)), max(1, round(dataset.width / factor))
    values = dataset.read(style.bands, out_shape=(len(style.bands), *shape))
    # Of the bands that are drawn: the others of a cube are in the same blocks, decoded for each.
    mask = dataset.read_masks(style.bands, out_shape=values.shape).max(axis=0)
    if is_premultiplied(Path(dataset.name)):
        values = unmultiply(values, mask)
    palette = read_palette(dataset, style.bands[0])
    if np.issubdtype(values.dtype, np.inexact):
        mask = np.where(np.isnan(values).all(axis=0), np.uint8(0), mask)
    if not dataset.gcps[0]:  # else it has no transform
        down, right = (-1 if dataset.transform.e > 0 else 1), (-1 if dataset.transform.a < 0 else 1)
        values, mask = values[:, ::down, ::right], mask[::down, ::right]
    picture = Image.open(io.BytesIO(draw(values, mask, style, palette).content))
    buffer = io.BytesIO()
    has_alpha = "A" in picture.mode or "transparency" in picture.info
    picture.convert("RGBA" if has_alpha else "RGB").save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
