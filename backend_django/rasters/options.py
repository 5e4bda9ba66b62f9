"""The user's options for the result; with the same names on the wire, in the row and here."""

import math
from dataclasses import dataclass
from typing import Any

PROFILES = {
    "auto": "lossless; a file that already is a good COG is kept as it is",
    "deflate": "lossless, read by every program",
    "zstd": "lossless, faster, needs GDAL 2.3 or newer",
    "lzw": "lossless, for very old programs",
    "webp": "lossy, for 8-bit RGB images",
    "jpeg": "lossy, for 8-bit grey or RGB images",
}
GRIDS = {
    "native": "the raster's own grid and coordinate system",
    "web": "reprojected to the grid of web maps (Web Mercator)",
}
VALUES = {
    "auto": "as the pixels show",
    "classes": "classes, as of land cover: never mixed",
    "continuous": "measurements, of which means can be taken",
}
RESAMPLINGS = ("auto", "nearest", "average", "bilinear", "cubic", "lanczos", "mode")
BLOCK_SIZES = (128, 256, 512, 1024)
MAX_CLASSES = 256  # different whole numbers that are counted one by one


@dataclass(frozen=True)
class Options:
    """The options of a conversion. The defaults leave everything to the recipe."""

    profile: str = "auto"
    grid: str = "native"
    overview_resampling: str = "auto"
    block_size: int = 256  # pixels
    nodata: str = ""  # "": as in the file; "none"; or a number, "nan" included
    bands: tuple[int, ...] = ()  # from 1; (): all
    values: str = "auto"
    crs: str = ""  # a code, as "EPSG:32632"; "": as in the file
    corners: str = ""  # "west,south,east,north" in the CRS; "": as in the file
    gcps: str = ""  # "column,row,x,y;…", x and y in the CRS; "": as in the file
    layer: str = ""  # of a file with several rasters

    @classmethod
    def from_parameters(cls, parameters: dict[str, Any]) -> "Options":
        """Make options of a request's parameters, of which older rows have fewer."""
        known = {name: parameters[name] for name in cls.__dataclass_fields__ if name in parameters}
        return cls(**known | {"bands": parse_bands(known.get("bands", ""))})

    @property
    def compression(self) -> str:
        """The profile that is written when something is."""
        return "deflate" if self.profile == "auto" else self.profile


def parse_bands(text: str) -> tuple[int, ...]:
    """Return the bands that "3,2,1" names.

    Raises:
        ValueError: it is no list of different numbers from 1.
    """
    bands = tuple(int(part) for part in text.split(",")) if text.strip() else ()
    if len(set(bands)) != len(bands) or any(band < 1 for band in bands):
        raise ValueError(text)
    return bands


def parse_corners(text: str) -> tuple[float, float, float, float]:
    """Return west, south, east and north.

    Raises:
        ValueError: they are no four numbers, or no rectangle.
    """
    west, south, east, north = map(float, text.split(","))
    if not (west < east and south < north and math.isfinite(east - west + north - south)):
        raise ValueError(text)
    return west, south, east, north


def parse_gcps(text: str) -> list[tuple[float, float, float, float]]:
    """Return ground control points: column and row from the upper left corner, x and y.

    Raises:
        ValueError: they are less than three, or all on one line.
    """
    points = [tuple(map(float, point.split(","))) for point in text.split(";")]
    if len(points) < 3 or not all(math.isfinite(n) for point in points for n in point):
        raise ValueError(text)
    for first in (0, 2):  # in the picture, and on the ground
        plane = [(point[first], point[first + 1]) for point in points]
        (x, y), *others = plane
        sides = [(b - x, c - y) for b, c in others]
        if not any(a * d - b * c for a, b in sides for c, d in sides):
            raise ValueError(text)
    return [(column, row, x, y) for column, row, x, y in points]


def parse_nodata(text: str) -> float | int | None:
    """Return a nodata value, None for "none"; an int for a whole number, however large.

    Raises:
        ValueError: it is neither "none" nor a number.
    """
    if text.strip().lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)
