"""The directories of a TIFF, read from its bytes: what the file says, before GDAL believes it."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rasterio
from numpy.typing import NDArray

_TYPES = {1: "u1", 2: "S1", 7: "u1", 3: "<u2", 4: "<u4", 12: "<f8", 16: "<u8"}
_SHORT, _EXTRA_SAMPLES, _ASSOCIATED_ALPHA = 3, 338, 1
_RATIONAL = 5  # two numbers of four bytes
_MAX_DIRECTORIES = 64
_MAX_VALUE = 64 * 1024**2  # bytes: the offsets of eight million blocks


class OddFileError(ValueError):
    """A TIFF that is broken, or of a kind that is not read here; the text says which."""


@dataclass(frozen=True)
class Directory:
    """One image of a file: the values of its tags by number; numbers, or one text."""

    tags: dict[int, NDArray[np.generic]]

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first value of a tag."""
        values = self.tags.get(tag)
        return default if values is None or not len(values) else int(values[0])

    def text(self, tag: int) -> bytes:
        values = self.tags.get(tag)
        return b"" if values is None else values.tobytes().rstrip(b"\0")


def count_directories(path: Path, most: int) -> int:
    """Return how many directories the chain of a TIFF has, counted to one more than `most`.

    Reads a few bytes of each: GDAL reads them whole, and again for each of the others. A chain that
    is broken ends there; what to say of that is left to GDAL.
    """
    with path.open("rb") as file:
        head = file.read(16).ljust(16, b"\0")
        order = "<" if head[:2] == b"II" else ">"
        big = struct.unpack_from(order + "H", head, 2)[0] == 43
        count_format, pointer, entry = (order + "Q", "Q", 20) if big else (order + "H", "I", 12)
        (offset,) = struct.unpack_from(order + pointer, head, 8 if big else 4)
        seen: set[int] = set()
        while offset and offset not in seen and len(seen) <= most:
            try:
                count_bytes = _bytes_at(file, offset, struct.calcsize(count_format))
                end = (
                    offset + len(count_bytes) + struct.unpack(count_format, count_bytes)[0] * entry
                )
                following = _bytes_at(file, end, struct.calcsize(order + pointer))
            except (OddFileError, OSError, OverflowError):
                break
            seen.add(offset)
            (offset,) = struct.unpack(order + pointer, following)
    return len(seen)


def is_premultiplied(path: Path) -> bool:
    """Say whether the colours of a TIFF's pixels are multiplied by their opacity.

    GDAL does not tell. What is not sound is not.
    """
    with path.open("rb") as file:
        head = file.read(16).ljust(16, b"\0")
        order = "<" if head[:2] == b"II" else ">"
        big = struct.unpack_from(order + "H", head, 2)[0] == 43
        count_format, pointer, entry = (
            (order + "Q", order + "Q", order + "HHQ8s")
            if big
            else (order + "H", order + "I", order + "HHI4s")
        )
        try:
            (offset,) = struct.unpack_from(pointer, head, 8 if big else 4)
            size = struct.calcsize(count_format)
            (count,) = struct.unpack(count_format, _bytes_at(file, offset, size))
            raw = _bytes_at(file, offset + size, min(count, 4096) * struct.calcsize(entry))
            for tag, kind, number, inline in struct.iter_unpack(entry, raw):
                if tag == _EXTRA_SAMPLES and kind == _SHORT:
                    if number * 2 > len(inline):
                        (at,) = struct.unpack(pointer, inline)
                        inline = _bytes_at(file, at, min(number, 4096) * 2)
                    values = np.frombuffer(inline, order + "u2")[:number]
                    return bool((values == _ASSOCIATED_ALPHA).any())
        except (OddFileError, OSError, OverflowError):
            pass
    return False


def read_directories(path: Path) -> list[Directory]:
    """Return the directories of a little-endian TIFF or BigTIFF, in the order of their chain.

    Raises:
        OddFileError: it is something else, or not sound.
    """
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] == b"II*\0":
            big, (offset,) = False, struct.unpack_from("<I", head, 4)
        elif head[:8] == b"II+\0\x08\0\0\0":
            big, (offset,) = True, struct.unpack_from("<Q", head, 8)
        else:
            raise OddFileError("big-endian")
        found: list[Directory] = []
        seen: set[int] = set()
        while offset:
            if offset in seen or len(found) >= _MAX_DIRECTORIES:
                raise OddFileError("too many directories")
            seen.add(offset)
            directory, offset = _read_directory(file, offset, big)
            found.append(directory)
    return found


def overview_factors(dataset: Any) -> list[int]:
    """Return by what each overview of an open raster is smaller, along its longer side.

    rasterio looks at widths alone, and those of a narrow raster soon are one pixel.
    """
    factors: list[int] = dataset.overviews(1)
    if dataset.width >= dataset.height or dataset.width >= 2 ** (len(factors) + 1):
        return factors
    heights = []
    for level in range(len(factors)):
        with rasterio.open(dataset.name, driver="GTiff", OVERVIEW_LEVEL=level) as overview:
            heights.append(overview.height)
    return [round(dataset.height / height) for height in heights]


def _read_directory(file: BinaryIO, offset: int, big: bool) -> tuple[Directory, int]:
    entry, count_format, pointer = ("<HHQ8s", "<Q", "<Q") if big else ("<HHI4s", "<H", "<I")
    (entries,) = struct.unpack(count_format, _bytes_at(file, offset, struct.calcsize(count_format)))
    if entries > 200:
        raise OddFileError("too many tags")
    offset += struct.calcsize(count_format)
    raw = _bytes_at(file, offset, entries * struct.calcsize(entry) + struct.calcsize(pointer))
    tags: dict[int, NDArray[np.generic]] = {}
    for index in range(entries):
        tag, kind, count, inline = struct.unpack_from(entry, raw, index * struct.calcsize(entry))
        if kind not in _TYPES and kind != _RATIONAL:
            raise OddFileError(f"tag {tag} of type {kind}")
        dtype = np.dtype(_TYPES.get(kind, "<u8"))
        size = count * dtype.itemsize
        if size > _MAX_VALUE:
            raise OddFileError(f"tag {tag} is large")
        if size > len(inline):
            inline = _bytes_at(file, struct.unpack(pointer, inline)[0], size)
        tags[tag] = np.frombuffer(inline[:size], dtype)
    (following,) = struct.unpack_from(pointer, raw, entries * struct.calcsize(entry))
    return Directory(tags), following


def _bytes_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    content = file.read(size)
    if len(content) < size:
        raise OddFileError("cut off")
    return content
