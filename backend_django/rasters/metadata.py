"""Metadata that GDAL's COG driver leaves out, written into its file afterwards.

Asked for the domains of an upload, GDAL 3.10 forgets what bands say in the default domain; on the
grid of web maps it forgets all of bands to which it adds one. So it is asked for neither: it
writes an item that only takes up room, which is filled with what is missing. Nothing moves.
"""

import mmap
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import rasterio

from backend_django.processing.errors import ProcessingError
from backend_django.utils.text import escape_xml

from . import gdal
from .inspection import Inspection

_ROOM, _END = "ROOM_FOR_METADATA", b"</Item>"  # of the item, in GDAL's XML
_MOST_BYTES = 1024**2
# What GDAL makes itself, and what sends readers to other files.
_OTHER_DOMAINS = {
    "IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "SUBDATASETS", "COLOR_PROFILE", "EXIF", "RPC",
    "GEOLOCATION", "OVERVIEWS", "TILING_SCHEME",
}  # fmt: skip


class Item(NamedTuple):
    """One item as GDAL's TIFFs hold it."""

    name: str
    value: str
    domain: str = ""
    band: int = 0  # from 1; 0 is the raster
    role: str = ""  # of what a band says about itself

    def xml(self) -> bytes:
        attributes = {"name": self.name, "domain": self.domain, "role": self.role}
        if self.band:
            attributes["sample"] = str(self.band - 1)
        text = "".join(
            f' {key}="{escape_xml(value)}"' for key, value in attributes.items() if value
        )
        # Escaped twice, as GDAL does it and reads it.
        return f"<Item{text}>{escape_xml(escape_xml(self.value))}</Item>".encode()


def _items_of(dataset: Any, band: int, number: int) -> Iterator[Item]:
    for domain in dict.fromkeys(["", *dataset.tag_namespaces(band)]):
        if domain.upper() in _OTHER_DOMAINS or not re.fullmatch(r"\w{0,64}", domain):
            continue
        with suppress(UnicodeDecodeError):  # the XML they would stand in has one encoding
            for name, value in dataset.tags(band, ns=domain or None).items():
                if not name.startswith("STATISTICS_"):
                    yield Item(name, value, domain, number)


def _read(path: Path, bands: Sequence[int] = ()) -> list[Item]:
    with rasterio.Env(), gdal.open_upload(path) as dataset:
        found = list(_items_of(dataset, 0, 0))
        for number, band in enumerate(bands or dataset.indexes, start=1):
            found += _items_of(dataset, band, number)
    return found


def items_to_keep(source: Path, facts: Inspection, bands: Sequence[int]) -> list[Item]:
    """Return what GDAL may leave out of an upload's metadata.

    Args:
        facts: as the header will say, with the options applied.
        bands: those that are copied, in their order; () is all.

    Raises:
        ProcessingError: too_much_metadata.
    """
    items = [item for item in _read(source, bands) if item.domain or item.band]
    for name, texts in (("DESCRIPTION", facts.descriptions), ("UNITTYPE", facts.units)):
        items += [
            Item(name, text, "", band, name.lower()) for band, text in enumerate(texts, 1) if text
        ]
    size = _size(items)
    if size > _MOST_BYTES:
        raise ProcessingError(
            "too_much_metadata",
            "The raster carries %(size)s MB of metadata; at most %(most)s MB "
            "are kept. Remove some, for example with `gdal_translate -nomd in.tif "
            "out.tif`, and upload that.",
            size=round(size / 1000000.0, 1),
            most=round(_MOST_BYTES / 1000000.0, 1),
        )
    return items


def room_for(items: Sequence[Item]) -> tuple[str, int] | None:
    """Return name and bytes of the item that takes up room; None where GDAL forgets nothing."""
    return (_ROOM, _size(items)) if items else None


def fill_room(target: Path, items: Sequence[Item]) -> None:
    """Put what a file lacks of the items into the room that was left for them."""
    if not items:
        return
    with rasterio.Env(), rasterio.open(target, driver="GTiff") as dataset:
        size = {"width": dataset.width, "height": dataset.height, "count": dataset.count}
    known = set()
    for number, band in enumerate(gdal.read_bands(target, **size, planes=0), start=1):
        texts = {"DESCRIPTION": band.description, "UNITTYPE": band.unit}
        known |= {(name, "", number) for name, text in texts.items() if text}
    known |= {(item.name, item.domain, item.band) for item in _read(target)}
    missing = [item for item in items if (item.name, item.domain, item.band) not in known]
    with target.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        start = content.find(f'<Item name="{_ROOM}">'.encode())
        if start >= 0:
            end = content.find(_END, start) + len(_END)
            content[start:end] = b"".join(item.xml() for item in missing).ljust(end - start)


def _size(items: Sequence[Item]) -> int:
    return sum(len(item.xml()) for item in items)
