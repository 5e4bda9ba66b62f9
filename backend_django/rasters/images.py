"""From pixel values to the picture of a tile: rescaling, colours, encoding.

Everything works on arrays of 256 × 256 pixels. JPEG is by Pillow, PNG by ISA-L.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .png import encode_png
from .styles import COLORMAPS, Style

_ROWS = 64  # stretched at once: few enough to stay in the processor's cache

Colour = tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """An encoded image: JPEG or PNG."""

    content: bytes

    @property
    def content_type(self) -> str:
        return content_type(self.content)


def content_type(content: bytes) -> str:
    """Return the media type of an encoded image, by its first bytes."""
    return "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"


def draw(
    values: NDArray[Any],
    mask: NDArray[np.uint8] | None,
    style: Style,
    palette: Mapping[int, Colour] | None,
) -> Picture:
    """Encode the values of a tile.

    Args:
        values: shape (bands, rows, columns), the bands of the style.
        mask: shape (rows, columns), 0 transparent to 255 opaque; None when all is opaque.
        palette: the raster's own colours by value.
    """
    if mask is not None and (mask == 255).all():
        mask = None
    if style.classes:
        return _draw_classes(values[0], mask, style)
    if palette and not style.colormap:
        return _draw_palette(values[0], mask, palette)
    if np.iscomplexobj(values):
        values = np.abs(values)
    if len(values) == 1 and style.colormap:
        return _draw_colormap(values[0], mask, style)
    return _draw_colours(_to_bytes(values, style, 255), mask)


def unmultiply(values: NDArray[Any], mask: NDArray[np.uint8]) -> NDArray[Any]:
    """Return colours, shape (bands, rows, columns), that were multiplied by their opacity."""
    part = (mask > 0) & (mask < 255)
    if values.dtype.kind != "u" or not part.any():
        return values
    found = values.copy()
    whole = values[:, part] * (255 / mask[part])
    found[:, part] = np.minimum(whole.round(), np.iinfo(values.dtype).max)
    return found


def _to_bytes(values: NDArray[Any], style: Style, top: int) -> NDArray[np.uint8]:
    """Map the range of each band to 0..top; eight bits without a range stay as they are."""
    if not style.ranges:
        if values.dtype == np.uint8:
            return values
        return np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8)
    scaled = np.empty(values.shape, np.uint8)
    for band, (low, high) in enumerate(style.ranges):
        factor = top / (high - low) if high > low else 1.0
        for first in range(0, values.shape[1], _ROWS):
            rows = slice(first, first + _ROWS)
            with np.errstate(invalid="ignore", over="ignore"):
                stretched = np.subtract(values[band, rows], low, dtype=np.float64)
                stretched *= factor
            np.fmax(stretched, 0, out=stretched)  # NaN becomes 0
            scaled[band, rows] = np.minimum(stretched, top, out=stretched)
    return scaled


def _draw_colours(values: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> Picture:
    if mask is None and len(values) == 3:
        buffer = io.BytesIO()
        picture = Image.merge("RGB", [Image.fromarray(band) for band in values])
        picture.save(buffer, "JPEG", quality=88)
        return Picture(buffer.getvalue())
    bands = list(values) if mask is None else [*values, mask]
    # A grey picture is small enough to be kept exact; a partly transparent one cannot be a JPEG.
    return Picture(encode_png(np.dstack(bands)))


def _draw_colormap(values: NDArray[Any], mask: NDArray[np.uint8] | None, style: Style) -> Picture:
    indexes = 1 + _to_bytes(values[np.newaxis], style, 254)[0]
    if mask is not None:
        indexes[mask == 0] = 0
    return Picture(encode_png(indexes, _palette_bytes(style.colormap), b"\0"))


def _draw_classes(values: NDArray[Any], mask: NDArray[np.uint8] | None, style: Style) -> Picture:
    """Draw each class in its colour; a value that is none of them is transparent."""
    known = np.array([value for value, _ in style.classes])
    at = np.clip(np.searchsorted(known, values), 0, len(known) - 1)
    at = np.where(known[at] == values, at + 1, 0)
    if mask is not None:
        at[mask == 0] = 0
    table = [(0, 0, 0), *(bytes.fromhex(colour) for _, colour in style.classes)]
    if len(table) > 256:  # one more than a palette of a picture holds
        colours = np.zeros((len(table), 4), np.uint8)
        colours[1:] = [(*colour, 255) for colour in table[1:]]
        return Picture(encode_png(colours[at]))
    return Picture(encode_png(at.astype(np.uint8), b"".join(map(bytes, table)), b"\0"))


def _draw_palette(
    values: NDArray[Any], mask: NDArray[np.uint8] | None, palette: Mapping[int, Colour]
) -> Picture:
    size = max(int(np.iinfo(values.dtype).max) + 1, 256)
    table = np.zeros((size, 4), np.uint8)
    table[list(palette)] = list(palette.values())
    if size == 256 and mask is None:
        return Picture(encode_png(values, table[:, :3].tobytes(), table[:, 3].tobytes()))
    colours = table[values]
    if mask is not None:
        colours[..., 3] = np.minimum(colours[..., 3], mask)
    return Picture(encode_png(colours))


@cache
def _palette_bytes(colormap: str) -> bytes:
    """Return 256 colours: one for what is transparent, then the colormap."""
    stops = np.array([list(bytes.fromhex(colour)) for colour in COLORMAPS[colormap]], float)
    position = np.linspace(0, len(stops) - 1, 255)
    colours = [np.interp(position, range(len(stops)), stops[:, channel]) for channel in range(3)]
    return bytes(3) + np.stack(colours, axis=1).round().astype(np.uint8).tobytes()
