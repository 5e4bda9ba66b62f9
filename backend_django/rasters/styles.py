"""The mapping from values to colours: chosen, or requested. Knows no pixels."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend_django.utils.messages import Message

from .expressions import ExpressionError, parse_expression
from .units import metres_of

Band = Mapping[str, Any]
Ranges = tuple[tuple[float, float], ...]
Classes = tuple[tuple[int, str], ...]  # values, and colours as RRGGBB
Terrain = tuple[str, float]  # one of ALGORITHMS, and metres in a unit of the values

# Colours at equal distances, in between linear. The first seven are uniform to the eye, and all but
# turbo, terrain, rdylgn and rdbu stay readable when printed grey.
COLORMAPS = {
    "viridis": (
        "440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b",
        "fde725",
    ),
    "magma": (
        "000004", "180f3d", "440f76", "721f81", "9e2f7f", "cd4071", "f1605d", "fd9668", "feca8d",
        "fcfdbf",
    ),
    "inferno": (
        "000004", "1b0c41", "4a0c6b", "781c6d", "a52c60", "cf4446", "ed6925", "fb9b06", "f7d13d",
        "fcffa4",
    ),
    "cividis": (
        "00204d", "00336f", "39486b", "575d6d", "707173", "8a8779", "a69d75", "c4b56c", "e4cf5b",
        "ffea46",
    ),
    "grey": ("000000", "ffffff"),
    "blues": ("f7fbff", "c6dbef", "6baed6", "2171b5", "08306b"),
    "greens": ("f7fcf5", "c7e9c0", "74c476", "238b45", "00441b"),
    "turbo": (
        "30123b", "4662d7", "36aaf9", "1ae4b6", "72fe5e", "c7ef34", "faba39", "f66b19", "ca2a04",
        "7a0403",
    ),
    "terrain": ("26734d", "6fa352", "d9d08b", "b5894f", "8c5b3c", "c9b8ac", "ffffff"),
    "rdylgn": (
        "a50026", "d73027", "f46d43", "fdae61", "fee08b", "ffffbf", "d9ef8b", "a6d96a", "66bd63",
        "1a9850", "006837",
    ),
    "rdbu": (
        "67001f", "b2182b", "d6604d", "f4a582", "fddbc7", "f7f7f7", "d1e5f0", "92c5de", "4393c3",
        "2166ac", "053061",
    ),
}  # fmt: skip


# What is drawn of the terrain that a band of heights is, with the range and the colours of each.
ALGORITHMS = {"hillshade": ((0.0, 255.0), "grey"), "slope": ((0.0, 45.0), "magma")}
_EXPRESSION_RANGE = (-1.0, 1.0)  # that of a normalized difference

CLASSES = "classes"  # asks for the colours of a band's classes as its colormap
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class StyleError(ValueError):
    """An error in a requested style: the field, and a sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field, message)
        self.field, self.message = field, message


@dataclass(frozen=True)
class Style:
    """A style: the mapping from values to colours."""

    bands: tuple[int, ...]  # one, or red, green, blue
    ranges: Ranges = ()  # per band: value of the first and last colour
    colormap: str = ""  # of one band; "" is grey
    classes: Classes = ()  # of one band, instead of ranges
    expression: str = ""  # of `bands`; what it makes of them is drawn as one band
    terrain: Terrain | None = None  # of one band

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "Style":
        """Return the style that `asdict` has written, by way of JSON."""
        return cls(
            tuple(values["bands"]),
            tuple((first, last) for first, last in values["ranges"]),
            values["colormap"],
            tuple((value, colour) for value, colour in values["classes"]),
        )

    @property
    def name(self) -> str:
        """A short name that no other style has."""
        return hashlib.blake2s(repr(self).encode(), digest_size=6).hexdigest()


def default_style(bands: Sequence[Band]) -> Style:
    """Choose a style from the `bands` of a result: as a picture where it is one, else stretched.

    Bands are red, green and blue where something says so, never by their position. A single band
    is drawn by its classes, or stretched between its second and 98th percentile.
    """
    named = {_meaning(band): band["index"] for band in reversed(bands)}
    values = [band for band in bands if band["color_interpretation"] != "alpha"] or bands[:1]
    shown = [values[0]["index"]]
    if {"red", "green", "blue"} <= named.keys():
        shown = [named["red"], named["green"], named["blue"]]
    return _build_style(tuple(shown), bands)


def _meaning(band: Band) -> str:
    """Return what a band is; results of early releases only have GDAL's word."""
    return str(band.get("common_name") or band["color_interpretation"])


def _build_style(shown: tuple[int, ...], bands: Sequence[Band]) -> Style:
    chosen = [bands[index - 1] for index in shown]
    if chosen[0]["color_interpretation"] == "palette" and not chosen[0].get("recoloured"):
        return Style(shown)
    if len(shown) == 1 and (classes := chosen[0].get("classes")):
        colours = tuple((int(one["value"]), one["colour"]) for one in classes)
        return Style(shown, classes=colours)
    is_bytes = chosen[0]["dtype"] == "uint8"
    if len(shown) == 3 and is_bytes:
        return Style(shown)
    ranges = tuple(
        (band.get("percentile_2") or 0.0, band.get("percentile_98") or 0.0) for band in chosen
    )
    return Style(shown, ranges, "" if len(shown) == 3 or is_bytes else "viridis")


def parse_style(query: Mapping[str, str], bands: Sequence[Band]) -> Style:
    """Return the style that `bands`, `rescale` and `colormap` of an address ask for.

    Raises:
        StyleError: one of them makes no sense for this raster.
    """
    if "expression" in query or "algorithm" in query:
        return _derive_style(query, bands)
    wanted = query.get("bands")
    style = (
        default_style(bands) if wanted is None else _build_style(_bands(wanted, len(bands)), bands)
    )
    ranges, colormap, classes = style.ranges, style.colormap, style.classes
    if (rescale := query.get("rescale")) is not None:
        ranges, classes = _ranges(rescale, len(style.bands)), ()
        colormap = colormap or ("grey" if len(style.bands) == 1 else "")
    if (name := query.get("colormap")) == CLASSES:
        if len(style.bands) > 1 or not (own := _build_style(style.bands, bands).classes):
            raise StyleError(
                "colormap", Message("There are no classes. Choose one band that has some.")
            )
        classes, ranges, colormap = own, (), ""
    elif name is not None:
        if name not in COLORMAPS:
            raise StyleError(
                "colormap", Message("Must be one of %(colormaps)s.", colormaps=", ".join(COLORMAPS))
            )
        if len(style.bands) > 1:
            raise StyleError(
                "colormap", Message("Only a single band can be coloured. Choose one in bands.")
            )
        colormap, classes = name, ()
        ranges = ranges or _whole_range(bands[style.bands[0] - 1])
    return Style(style.bands, ranges, colormap, classes)


def _derive_style(query: Mapping[str, str], bands: Sequence[Band]) -> Style:
    """Return the style of what is computed from bands: of one range, in one colormap."""
    if "expression" in query and "algorithm" in query:
        raise StyleError(
            "algorithm", Message("Ask for an expression or an algorithm, not for both.")
        )
    if "expression" in query:
        text = query["expression"]
        if "bands" in query:
            raise StyleError(
                "bands", Message("An expression names its bands itself, as b1, b2, ….")
            )
        try:
            shown = parse_expression(text).bands
        except ExpressionError as error:
            raise StyleError("expression", error.message) from None
        if shown[-1] > len(bands):
            raise StyleError(
                "expression",
                Message("The raster has the bands b1 to b%(bands)s.", bands=len(bands)),
            )
        usual, colormap, terrain = _EXPRESSION_RANGE, "viridis", None
    else:
        text, name = "", query["algorithm"]
        if name not in ALGORITHMS:
            raise StyleError(
                "algorithm",
                Message("Must be one of %(algorithms)s.", algorithms=", ".join(ALGORITHMS)),
            )
        shown = _bands(query.get("bands") or str(default_style(bands).bands[0]), len(bands))
        if len(shown) > 1:
            raise StyleError("bands", Message("Must be one band, the one with the heights."))
        (usual, colormap), terrain = ALGORITHMS[name], (name, _metres(bands[shown[0] - 1]))
    colormap = query.get("colormap", colormap)
    if colormap not in COLORMAPS:
        raise StyleError(
            "colormap", Message("Must be one of %(colormaps)s.", colormaps=", ".join(COLORMAPS))
        )
    rescale = query.get("rescale")
    ranges = (usual,) if rescale is None else _ranges(rescale, 1)
    return Style(shown, ranges, colormap, expression=text, terrain=terrain)


def _metres(band: Band) -> float:
    """Return how many metres high one more of a band's values is."""
    unit = str(band.get("unit") or "m")
    if (metres := metres_of(unit)) is None:
        raise StyleError(
            "algorithm",
            Message(
                "The band's unit, “%(unit)s”, isn't a known unit of height. Choose another "
                "band, or convert its values to metres.",
                unit=unit,
            ),
        )
    return metres * float(band.get("scale") or 1.0)


def _whole_range(band: Band) -> Ranges:
    low, high = (float(band.get(name) or 0) for name in ("minimum", "maximum"))
    return ((low, high if high > low else low + 1),)


def _bands(text: str, count: int) -> tuple[int, ...]:
    parts = text.split(",")
    if len(parts) not in (1, 3) or not all(re.fullmatch("[0-9]{1,3}", part) for part in parts):
        raise StyleError(
            "bands", Message("Must be one band, or three with commas between, as in “4,3,2”.")
        )
    shown = tuple(map(int, parts))
    if not all(1 <= band <= count for band in shown):
        raise StyleError("bands", Message("The raster has the bands 1 to %(count)s.", count=count))
    return shown


def _ranges(text: str, count: int) -> Ranges:
    parts = text[:400].split(",")
    numbers = [float(part) for part in parts] if all(map(NUMBER.fullmatch, parts)) else []
    if len(numbers) == 2:
        numbers *= count
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=False))
    if len(numbers) != 2 * count or not all(
        math.isfinite(low) and math.isfinite(high) and low < high for low, high in pairs
    ):
        raise StyleError(
            "rescale",
            Message(
                "Must be the lowest and the highest value, as in “0,100”, or a pair for each band."
            ),
        )
    return pairs
