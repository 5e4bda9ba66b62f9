"""The directories of a TIFF, read from its bytes: what the file says, before GDAL believes it."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES = 254, 256, 257, 258, 259, 277
STRIP_ROWS, PLANES = 278, 284
TILE_WIDTH, TILE_HEIGHT, OFFSETS, COUNTS, METADATA = 322, 323, 324, 325, 42112
REDUCED, MASK = 1, 4

_TYPES = {1: "u1", 2: "S1", 7: "u1", 3: "<u2", 4: "<u4", 12: "<f8", 16: "<u8"}
_SIZES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8,
}  # fmt: skip
SHORT, LONG, LONG8 = 3, 4, 16
_EXTRA_SAMPLES, _ASSOCIATED_ALPHA = 338, 1
_BLOCKS = {273, 279, OFFSETS, COUNTS}  # where they are, and how long
_APART = 2  # bands, in planes
# No compression, LZW, JPEG, DEFLATE, PackBits, LERC, LZMA, ZSTD and WebP.
_WITHIN_BLOCKS = {1, 5, 7, 8, 32773, 32946, 34887, 34925, 50000, 50001}
_PHOTOMETRIC, _YCBCR, _JPEG = 262, 6, 7
_POINTERS = {330, 34665, 34853, 40965}  # to other directories
_MAX_ENTRIES = 200
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


class Entry(NamedTuple):
    """One tag of a directory, its value as the bytes that the file has."""

    tag: int
    kind: int
    number: int  # of values
    value: bytes


@dataclass(frozen=True)
class Format:
    """The number format of a TIFF: its byte order, and the width of a BigTIFF's offsets."""

    order: str  # as struct has it
    big: bool

    @property
    def number(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def pointer(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def entry(self) -> str:
        return self.order + ("HHQ8s" if self.big else "HHI4s")

    @property
    def room(self) -> int:
        """Bytes of a value that stands in the entry itself."""
        return struct.calcsize(self.pointer)


def _read_head(file: BinaryIO) -> tuple[Format, int]:
    """Return the format of a TIFF, and where its first directory is."""
    head = file.read(16).ljust(16, b"\0")
    order = "<" if head[:2] == b"II" else ">"
    found = Format(order, struct.unpack_from(order + "H", head, 2)[0] == 43)
    (offset,) = struct.unpack_from(found.pointer, head, 8 if found.big else 4)
    return found, offset


def _count_entries(file: BinaryIO, form: Format, offset: int) -> tuple[int, int]:
    """Return how many entries a directory has, and where they begin."""
    size = struct.calcsize(form.number)
    (count,) = struct.unpack(form.number, _bytes_at(file, offset, size))
    return count, offset + size


def _read_value(file: BinaryIO, form: Format, size: int, inline: bytes) -> bytes:
    """Return the bytes of a value, which are elsewhere when an entry has no room for them."""
    if size <= len(inline):
        return inline[:size]
    return _bytes_at(file, struct.unpack(form.pointer, inline)[0], size)


def count_directories(path: Path, most: int) -> int:
    """Return how many directories the chain of a TIFF has, counted to one more than `most`.

    Reads a few bytes of each: GDAL reads them whole, and again for each of the others. A chain that
    is broken ends there; what to say of that is left to GDAL.
    """
    with path.open("rb") as file:
        form, offset = _read_head(file)
        seen: set[int] = set()
        while offset and offset not in seen and len(seen) <= most:
            try:
                count, begin = _count_entries(file, form, offset)
                end = begin + count * struct.calcsize(form.entry)
                following = _bytes_at(file, end, struct.calcsize(form.pointer))
            except (OddFileError, OSError):
                break
            seen.add(offset)
            (offset,) = struct.unpack(form.pointer, following)
    return len(seen)


def is_premultiplied(path: Path) -> bool:
    """Say whether the colours of a TIFF's pixels are multiplied by their opacity.

    GDAL does not tell. What is not sound is not.
    """
    with path.open("rb") as file:
        try:
            form, offset = _read_head(file)
            count, begin = _count_entries(file, form, offset)
            raw = _bytes_at(file, begin, min(count, 4096) * struct.calcsize(form.entry))
            for tag, kind, number, inline in struct.iter_unpack(form.entry, raw):
                if tag == _EXTRA_SAMPLES and kind == SHORT:
                    value = _read_value(file, form, min(number, 4096) * 2, inline)
                    values = np.frombuffer(value, form.order + "u2")
                    return bool((values == _ASSOCIATED_ALPHA).any())
        except (OddFileError, OSError):
            pass
    return False


def read_entries(file: BinaryIO) -> tuple[Format, int, list[Entry]]:
    """Return the format of a TIFF, where its first directory is, and what is in that.

    Raises:
        OddFileError: it is not sound, or too large to be held.
    """
    form, offset = _read_head(file)
    count, begin = _count_entries(file, form, offset)
    if count > _MAX_ENTRIES:
        raise OddFileError("too many tags")
    raw = _bytes_at(file, begin, count * struct.calcsize(form.entry))
    found = []
    for tag, kind, number, inline in struct.iter_unpack(form.entry, raw):
        size = number * _SIZES.get(kind, _MAX_VALUE + 1)
        if size > _MAX_VALUE:
            raise OddFileError(f"tag {tag} is large, or of type {kind}")
        found.append(Entry(tag, kind, number, _read_value(file, form, size, inline)))
    return form, offset, found


def lay_out(form: Format, start: int, directories: Sequence[Sequence[Entry]]) -> bytes:
    """Return the bytes of a chain of directories, with their values, that begins at `start`.

    Where the blocks are comes last, as GDAL has it: then a reader finds all directories at once.
    """
    places: list[int] = []
    values: dict[tuple[int, int], int] = {}
    at = start
    for index, entries in enumerate(directories):
        places.append(at)
        at += struct.calcsize(form.number) + len(entries) * struct.calcsize(form.entry) + form.room
        for entry in entries:
            if len(entry.value) > form.room and entry.tag not in _BLOCKS:
                values[index, entry.tag] = at = at + -at % 8
                at += len(entry.value)
        at += -at % 8
    for index, entries in enumerate(directories):
        for entry in entries:
            if len(entry.value) > form.room and entry.tag in _BLOCKS:
                values[index, entry.tag] = at
                at += len(entry.value) + -len(entry.value) % 8
    written = bytearray(at - start)
    for index, (entries, following) in enumerate(zip(directories, [*places[1:], 0], strict=True)):
        here = places[index] - start
        struct.pack_into(form.number, written, here, len(entries))
        here += struct.calcsize(form.number)
        for tag, kind, count, value in entries:
            inline = value
            if (index, tag) in values:
                place = values[index, tag]
                inline = struct.pack(form.pointer, place)
                written[place - start : place - start + len(value)] = value
            struct.pack_into(form.entry, written, here, tag, kind, count, inline)
            here += struct.calcsize(form.entry)
        struct.pack_into(form.pointer, written, here, following)
    return bytes(written)


def empty_copy(source: Path, height: int, width: int) -> bytes:
    """Return a small TIFF without any block, which says of itself what the first image of one does.

    Strips are as high as it is.

    Raises:
        OddFileError: the source is not sound, or of a compression or colours for which more than
            blocks is read.
    """
    with source.open("rb") as file:
        form, _, entries = read_entries(file)
    known = {
        entry.tag: int(numbers(form, entry)[0])
        for entry in entries
        if entry.tag in (COMPRESSION, _PHOTOMETRIC, SAMPLES, PLANES, TILE_WIDTH, TILE_HEIGHT)
    }
    compression = known.get(COMPRESSION, 1)
    if compression not in _WITHIN_BLOCKS:
        raise OddFileError("compression")
    if known.get(_PHOTOMETRIC) == _YCBCR and compression != _JPEG:
        raise OddFileError("colours")  # which libtiff turns into others, strip by strip
    blocks = known.get(SAMPLES, 1) if known.get(PLANES) == _APART else 1
    for tag, size in ((TILE_WIDTH, width), (TILE_HEIGHT, height)):
        blocks *= -(-size // known.get(tag, size))
    sides = {WIDTH: width, HEIGHT: height, STRIP_ROWS: height}
    kept = []
    for entry in entries:
        if entry.tag in sides:
            value = struct.pack(form.order + "H", sides[entry.tag])
            entry = Entry(entry.tag, SHORT, 1, value)
        elif entry.tag in _BLOCKS:
            entry = Entry(entry.tag, LONG, blocks, bytes(4 * blocks))
        if entry.tag not in _POINTERS:
            kept.append(entry)
    head = b"II" if form.order == "<" else b"MM"
    if form.big:
        head += struct.pack(form.order + "HHHQ", 43, 8, 0, 16)
    else:
        head += struct.pack(form.order + "HI", 42, 8)
    return head + lay_out(form, len(head), [kept])


def numbers(form: Format, entry: Entry) -> NDArray[Any]:
    """Return the values of an entry that has whole numbers.

    Raises:
        OddFileError: it has something else, or none.
    """
    if entry.kind not in {SHORT, LONG, LONG8} or not entry.number:
        raise OddFileError(f"tag {entry.tag} of type {entry.kind}")
    return np.frombuffer(entry.value, form.order + _TYPES[entry.kind][1:])


def read_directories(path: Path) -> list[Directory]:
    """Return the directories of a little-endian TIFF or BigTIFF, in the order of their chain.

    Raises:
        OddFileError: it is something else, or not sound.
    """
    with path.open("rb") as file:
        if not file.read(8).startswith((b"II*\0", b"II+\0\x08\0\0\0")):
            raise OddFileError("big-endian")
        file.seek(0)
        form, offset = _read_head(file)
        found: list[Directory] = []
        seen: set[int] = set()
        while offset:
            if offset in seen or len(found) >= _MAX_DIRECTORIES:
                raise OddFileError("too many directories")
            seen.add(offset)
            directory, offset = _read_directory(file, form, offset)
            found.append(directory)
    return found


def level_shapes(dataset: Any) -> list[tuple[int, int]]:
    """Return rows and columns of an open raster, and of each overview.

    Half of an odd number is rounded, up by some and down by others, so that no overview is smaller
    by its factor exactly; and rasterio knows the factors of widths alone, which soon are one pixel.
    """
    shapes = [dataset.shape]
    for level in range(len(dataset.overviews(1))):
        with rasterio.open(dataset.name, driver="GTiff", OVERVIEW_LEVEL=level) as overview:
            shapes.append(overview.shape)
    return shapes


def overview_factors(dataset: Any) -> list[int]:
    """Return by what each overview of an open raster is smaller, along its longer side."""
    whole, *overviews = (max(shape) for shape in level_shapes(dataset))
    return [round(whole / overview) for overview in overviews]


def _read_directory(file: BinaryIO, form: Format, offset: int) -> tuple[Directory, int]:
    count, begin = _count_entries(file, form, offset)
    if count > _MAX_ENTRIES:
        raise OddFileError("too many tags")
    size = count * struct.calcsize(form.entry)
    raw = _bytes_at(file, begin, size + struct.calcsize(form.pointer))
    tags: dict[int, NDArray[np.generic]] = {}
    for tag, kind, number, inline in struct.iter_unpack(form.entry, raw[:size]):
        if kind not in _TYPES and kind != _RATIONAL:
            raise OddFileError(f"tag {tag} of type {kind}")
        dtype = np.dtype(_TYPES.get(kind, "<u8"))
        if number * dtype.itemsize > _MAX_VALUE:
            raise OddFileError(f"tag {tag} is large")
        value = _read_value(file, form, number * dtype.itemsize, inline)
        tags[tag] = np.frombuffer(value, dtype)
    (following,) = struct.unpack_from(form.pointer, raw, size)
    return Directory(tags), following


def _bytes_at(file: BinaryIO, offset: int, size: int) -> bytes:
    try:
        file.seek(offset)
    except (ValueError, OverflowError, OSError) as error:  # no file reaches so far
        raise OddFileError("cut off") from error
    content = file.read(size)
    if len(content) < size:
        raise OddFileError("cut off")
    return content
