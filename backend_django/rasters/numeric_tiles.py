"""Tiles of numbers, which a page colours itself: no request for each change of a stretch.

A tile is gzip data of eight letters, as `uint16 3`: the name of a type, spaces, and how many bands
there are; the bands one after another, each of 256 rows of 256 numbers of that type, the lowest
byte first; and as many bytes that say how opaque each pixel is, unless all are. Where nothing is
to be seen the numbers are 0.
"""

from typing import Any

import numpy as np
from isal import igzip
from numpy.typing import NDArray

CONTENT_TYPE = "application/gzip"
EXACT = ("uint8", "int16", "uint16")  # others become float32: more than 256 colours can show


def encode_numbers(values: NDArray[Any], mask: NDArray[np.uint8] | None) -> bytes:
    """Return the tile of values, shape (bands, rows, columns), and a mask; None: all is opaque."""
    if np.iscomplexobj(values):
        values = np.abs(values)
    name = values.dtype.name if values.dtype.name in EXACT else "float32"
    with np.errstate(over="ignore"):
        numbers = values.astype(f"<{np.dtype(name).str[1:]}")
    if mask is not None and (mask == 255).all():
        mask = None
    if mask is not None:
        numbers[:, mask == 0] = 0
    parts = [
        f"{name:7}{len(values)}".encode(),
        numbers.tobytes(),
        b"" if mask is None else mask.tobytes(),
    ]
    return igzip.compress(b"".join(parts), 1)
