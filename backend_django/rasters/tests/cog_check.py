"""Is it a COG? Read from the bytes alone, without GDAL, to check those who check with GDAL."""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_FORMATS = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 12: "d", 16: "Q"}
SUBFILE, WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT = 254, 256, 257, 322, 323
STRIP_OFFSETS, OFFSETS, COUNTS = 273, 324, 325
REDUCED, MASK = 1, 4


@dataclass
class Directory:
    """One image file directory."""

    start: int  # bytes
    end: int  # of the directory and the values it points to
    tags: dict[int, tuple[int, ...]]

    def __getitem__(self, tag: int) -> int:
        return self.tags[tag][0]

    @property
    def kind(self) -> int:
        return self.tags.get(SUBFILE, (0,))[0]


def read_directories(data: bytes) -> list[Directory]:
    """Return the directories of a little-endian TIFF or BigTIFF in the order of their chain."""
    assert data[:2] == b"II", "not little-endian"
    big = data[2] == 43
    entry, count_format, offset_format = ("<HHQ8s", "<Q", "<Q") if big else ("<HHI4s", "<H", "<I")
    (offset,) = struct.unpack_from(offset_format, data, 8 if big else 4)
    directories = []
    while offset:
        (count,) = struct.unpack_from(count_format, data, offset)
        position = offset + struct.calcsize(count_format)
        end = position + count * struct.calcsize(entry) + struct.calcsize(offset_format)
        tags = {}
        for index in range(count):
            tag, kind, number, raw = struct.unpack_from(
                entry, data, position + index * struct.calcsize(entry)
            )
            if kind not in _FORMATS:
                continue
            layout = "<" + _FORMATS[kind] * number
            size = struct.calcsize(layout)
            if size > len(raw):
                (at,) = struct.unpack(offset_format, raw)
                raw, end = data[at : at + size], max(end, at + size)
            values = struct.unpack(layout, raw[:size])
            if kind != 2:
                tags[tag] = values
        directories.append(Directory(offset, end, tags))
        (offset,) = struct.unpack_from(
            offset_format, data, position + count * struct.calcsize(entry)
        )
        assert len(directories) < 100, "the directories go round in a circle"
    return directories


def check_cog(path: Path, block: int = 256) -> list[Directory]:
    """Assert the layout of a COG; return its directories."""
    data = path.read_bytes()
    directories = read_directories(data)
    ghost = data[16 if data[2] == 43 else 8 :][:400]
    assert ghost.startswith(b"GDAL_STRUCTURAL_METADATA_SIZE="), "no structural metadata"
    assert b"LAYOUT=IFDS_BEFORE_DATA" in ghost
    images = [d for d in directories if not d.kind & MASK]
    main, overviews = images[0], images[1:]
    assert main is directories[0]
    assert not main.kind & REDUCED
    blocks: list[tuple[int, int]] = []
    for directory in directories:
        assert STRIP_OFFSETS not in directory.tags, "in strips, not tiles"
        assert (directory[TILE_WIDTH], directory[TILE_HEIGHT]) == (block, block)
        across, down = (
            -(-directory[size] // directory[tile])
            for size, tile in ((WIDTH, TILE_WIDTH), (HEIGHT, TILE_HEIGHT))
        )
        offsets, counts = directory.tags[OFFSETS], directory.tags[COUNTS]
        assert len(offsets) == len(counts)
        assert len(offsets) % (across * down) == 0, "wrong number of tiles"
        for offset, count in zip(offsets, counts, strict=True):
            if not offset:
                assert not count
                continue
            assert offset + count <= len(data), "a tile beyond the end"
            assert struct.unpack_from("<I", data, offset - 4) == (count,), "no size before a tile"
            blocks.append((offset, offset + count))
    blocks.sort()
    assert max(d.end for d in directories) <= blocks[0][0], "a directory behind the data"
    assert all(a[1] <= b[0] for a, b in pairwise(blocks)), "tiles overlap"
    for larger, smaller in zip(images, overviews, strict=False):
        assert smaller.kind & REDUCED
        for size in (WIDTH, HEIGHT):  # GDAL rounds a side down when the other is one pixel
            assert abs(smaller[size] - larger[size] / 2) < 1
        assert min(filter(None, smaller.tags[OFFSETS])) < min(filter(None, larger.tags[OFFSETS])), (
            "the data of a small overview is behind that of a large one"
        )
    assert max(images[-1][WIDTH], images[-1][HEIGHT]) <= block, "the smallest overview is large"
    return directories
