"""The classes in a file: category names, or a raster attribute table."""

import ctypes
from typing import Any, NamedTuple

from backend_django.utils.text import clean_label

from . import gdal

_MOST_ROWS = 10_000
_NAME, _MIN_MAX, _MIN, _RED = 2, 5, 3, 6  # GDALRATFieldUsage; green and blue come after red
_TEXT = 2  # GDALRATFieldType


class Label(NamedTuple):
    """A class's name and colour (RRGGBB), each empty where it is not known."""

    name: str = ""
    colour: str = ""


def class_labels(source: str, driver: str) -> dict[int, Label]:
    """Return what is said of the values of a raster's first band, by PAM's .aux.xml for example."""
    with gdal.open_band(source, driver) as opened:
        if opened is None:
            return {}
        library, band = _bind(opened[0]), opened[1]
        return _category_names(library, band) or _table(library, band)


def _bind(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, whole = ctypes.c_void_p, ctypes.c_int
    library.GDALGetRasterCategoryNames.argtypes = [pointer]
    library.GDALGetRasterCategoryNames.restype = ctypes.POINTER(ctypes.c_char_p)
    library.GDALGetDefaultRAT.argtypes = [pointer]
    library.GDALGetDefaultRAT.restype = pointer
    library.GDALRATGetRowCount.argtypes = library.GDALRATGetColumnCount.argtypes = [pointer]
    library.GDALRATGetColOfUsage.argtypes = [pointer, whole]
    library.GDALRATGetTypeOfCol.argtypes = [pointer, whole]
    library.GDALRATGetValueAsInt.argtypes = [pointer, whole, whole]
    library.GDALRATGetValueAsString.argtypes = [pointer, whole, whole]
    library.GDALRATGetValueAsString.restype = ctypes.c_char_p
    return library


def _category_names(library: Any, band: Any) -> dict[int, Label]:
    names = library.GDALGetRasterCategoryNames(band)
    found: dict[int, Label] = {}
    value = 0
    while names and names[value]:
        if name := clean_label(names[value], 100):
            found[value] = Label(name)
        value += 1
    return found


def _table(library: Any, band: Any) -> dict[int, Label]:
    table = library.GDALGetDefaultRAT(band)
    if not table:
        return {}

    def column(*usages: int) -> int:
        found = (library.GDALRATGetColOfUsage(table, usage) for usage in usages)
        return next((number for number in found if number >= 0), -1)

    columns = range(library.GDALRATGetColumnCount(table))
    texts = [one for one in columns if library.GDALRATGetTypeOfCol(table, one) == _TEXT]
    name, value = column(_NAME), column(_MIN_MAX, _MIN)
    name = texts[0] if name < 0 and texts else name  # programs seldom say which is the name
    colours = [column(_RED + channel) for channel in range(3)]
    found = {}
    for row in range(min(library.GDALRATGetRowCount(table), _MOST_ROWS)):
        text = library.GDALRATGetValueAsString(table, row, name) if name >= 0 else b""
        colour = ""
        if min(colours) >= 0:
            parts = [library.GDALRATGetValueAsInt(table, row, one) for one in colours]
            colour = bytes(min(255, max(0, part)) for part in parts).hex()
        number = library.GDALRATGetValueAsInt(table, row, value) if value >= 0 else row
        found[number] = Label(clean_label(text or b"", 100), colour)
    return found
