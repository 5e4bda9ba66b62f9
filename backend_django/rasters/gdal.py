"""GDAL as this feature uses it: hardened for files nobody trusts, with progress and cancel.

Everything here runs in a child process that has nothing else to do; the settings are the
environment of that process, because GDAL reads some of them only once.
"""

import ctypes
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio
from rasterio.windows import Window

from backend_django.processing.errors import ProcessingError
from backend_django.utils.text import clean_label

logger = logging.getLogger(__name__)

ProgressFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_double, ctypes.c_char_p, ctypes.c_void_p)
UNIT_CHARACTERS = 50
_READ_ONLY_RASTER = 0x02 | 0x40  # GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR
_EMPTY = 0x04  # GDAL_DATA_COVERAGE_STATUS_EMPTY, and no other flag
_EXACT_NODATA = {  # by GDAL's number of the type: those whose values a double cannot hold
    12: ("GDALGetRasterNoDataValueAsUInt64", ctypes.c_uint64),
    13: ("GDALGetRasterNoDataValueAsInt64", ctypes.c_int64),
}
# An ordinary GeoTIFF can name another raster of this machine, or a URL, as its overviews: the item
# OVERVIEW_FILE of this metadata domain. GDAL goes there as soon as it looks for overviews or masks.
_OVERVIEWS = "OVERVIEWS"


_NO_CODEC = re.compile(
    r"missing codec|not (configured|compiled|available|supported)"
    r"|unsupported (jpeg data precision|compression)|no .{0,20}codec",
    re.IGNORECASE,
)


class CopyFailedError(Exception):
    """GDAL could not make the copy. The text is GDAL's own, with paths: for the log only."""


@contextmanager
def open_upload(path: Path, **options: Any) -> Iterator[Any]:
    """Open an upload once it is known to send GDAL nowhere else.

    The first look is with OVERVIEW_LEVEL=NONE, which keeps GDAL in the file. It is not used for
    more, because that view hides nodata of 64-bit integers, metadata domains and descriptions.

    Raises:
        ProcessingError: external_overviews.
    """
    with rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL="NONE") as dataset:
        if has_tags(dataset, _OVERVIEWS):
            raise _external_overviews()
    with rasterio.open(path, driver="GTiff", **options) as dataset:
        yield dataset


def has_tags(dataset: Any, domain: str) -> bool:
    """Say whether there is metadata in a domain, readable or not."""
    try:
        return bool(dataset.tags(ns=domain))
    except UnicodeDecodeError:
        return True


def whole_text(error: BaseException) -> str:
    """Return what an error says, and what it came from: rasterio's own text says little."""
    said = []
    while error:
        said.append(str(error))
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return "; ".join(said)


def lacks_codec(error: BaseException) -> bool:
    """Say whether GDAL gave up because it has no decoder, rather than because of the file."""
    return bool(_NO_CODEC.search(whole_text(error)))


def _external_overviews() -> ProcessingError:
    return ProcessingError(
        "external_overviews",
        "The file refers to another file for its overviews; only files that stand alone are "
        "accepted. Make a clean copy with `gdal_translate in.tif out.tif`.",
    )


def find_library() -> str | None:
    """Return the path of the libgdal that rasterio has loaded, None where it cannot be told."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:  # not Linux
        package = Path(rasterio.__file__).parent
        bundled = sorted(package.glob(".dylibs/libgdal*.dylib"))
        return str(bundled[0]) if bundled else None
    found = re.search(r"(/\S.*/libgdal[^/]*\.so[^/]*)$", maps, re.MULTILINE)
    return found[1] if found else None


def _strings(items: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(items) + 1))(*(item.encode() for item in items), None)


def bind(path: str) -> ctypes.CDLL:
    """Return the library with the types of the functions that are used here."""
    library = ctypes.CDLL(path)
    strings, pointer = ctypes.POINTER(ctypes.c_char_p), ctypes.c_void_p
    library.GDALOpenEx.argtypes = [ctypes.c_char_p, ctypes.c_uint, strings, strings, strings]
    library.GDALOpenEx.restype = pointer
    library.GDALTranslateOptionsNew.argtypes = [strings, pointer]
    library.GDALTranslateOptionsNew.restype = pointer
    library.GDALTranslateOptionsSetProgress.argtypes = [pointer, ProgressFunction, pointer]
    library.GDALTranslateOptionsFree.argtypes = [pointer]
    library.GDALTranslate.argtypes = [ctypes.c_char_p, pointer, pointer, pointer]
    library.GDALTranslate.restype = pointer
    library.GDALClose.argtypes = [pointer]
    library.GDALGetRasterBand.argtypes = [pointer, ctypes.c_int]
    library.GDALGetRasterBand.restype = pointer
    library.GDALSetDescription.argtypes = [pointer, ctypes.c_char_p]
    library.GDALSetMetadataItem.argtypes = [pointer, *[ctypes.c_char_p] * 3]
    library.GDALGetMetadata.argtypes = [pointer, ctypes.c_char_p]
    library.GDALGetMetadata.restype = strings
    library.GDALGetRasterDataType.argtypes = [pointer]
    library.GDALGetRasterNoDataValue.argtypes = [pointer, ctypes.POINTER(ctypes.c_int)]
    library.GDALGetRasterNoDataValue.restype = ctypes.c_double
    for name, kind in _EXACT_NODATA.values():
        getattr(library, name).argtypes = [pointer, ctypes.POINTER(ctypes.c_int)]
        getattr(library, name).restype = kind
    library.GDALGetDescription.argtypes = library.GDALGetRasterUnitType.argtypes = [pointer]
    library.GDALGetDescription.restype = library.GDALGetRasterUnitType.restype = ctypes.c_char_p
    library.GDALGetDataCoverageStatus.argtypes = [
        pointer, *[ctypes.c_int] * 5, ctypes.POINTER(ctypes.c_double)
    ]  # fmt: skip
    library.CPLGetLastErrorMsg.restype = ctypes.c_char_p
    library.CPLPushErrorHandler.argtypes = [pointer]
    return library


@dataclass(frozen=True)
class Band:
    """The facts about a band that rasterio does not tell, or not of every one."""

    description: str = ""
    unit: str = ""
    stored: float = 1.0  # share of the pixels whose blocks are in the file
    nodata: float | int | None = None  # an int where the pixels are integers of 64 bits


def read_bands(path: Path, *, width: int, height: int, count: int, planes: int) -> list[Band]:
    """Return what rasterio does not tell of the bands of a file that was looked at before.

    It takes texts for UTF-8, and gives none of them when one is something else.

    Args:
        planes: how many of the bands have blocks of their own: all, or the first.
    """
    library = find_library()
    if library is None:
        return _bands_of_rasterio(path)
    with rasterio.Env():
        gdal = bind(library)
        driver = _strings(["GTiff"])
        dataset = gdal.GDALOpenEx(str(path).encode(), _READ_ONLY_RASTER, driver, None, None)
        if not dataset:
            raise rasterio.errors.RasterioIOError(_last_error(gdal))
        bands = [gdal.GDALGetRasterBand(dataset, index) for index in range(1, count + 1)]
        found = []
        percent = ctypes.c_double(100)
        for index, band in enumerate(bands):
            if index < planes:
                gdal.GDALGetDataCoverageStatus(band, 0, 0, width, height, 0, ctypes.byref(percent))
            unit = clean_label(gdal.GDALGetRasterUnitType(band) or b"", UNIT_CHARACTERS)
            description = clean_label(gdal.GDALGetDescription(band) or b"")
            found.append(Band(description, unit, percent.value / 100, _read_nodata(gdal, band)))
        gdal.GDALClose(dataset)
    return found


class Coverage:
    """The blocks that are missing in a file that was looked at before."""

    def __init__(self, path: Path) -> None:
        library = find_library()
        self._gdal = None if library is None else bind(library)
        self._dataset = self._gdal and self._gdal.GDALOpenEx(
            str(path).encode(), _READ_ONLY_RASTER, _strings(["GTiff"]), None, None
        )

    def __enter__(self) -> "Coverage":
        return self

    def __exit__(self, *_: object) -> None:
        if self._gdal and self._dataset:
            self._gdal.GDALClose(self._dataset)

    def is_empty(self, bands: Sequence[int], window: Window) -> bool:
        """Say whether none of the bands has a block there."""
        place = map(int, (window.col_off, window.row_off, window.width, window.height))
        if not (self._gdal and self._dataset):
            return False
        x, y, width, height = place
        return all(
            self._gdal.GDALGetDataCoverageStatus(
                self._gdal.GDALGetRasterBand(self._dataset, band), x, y, width, height, 0, None
            )
            == _EMPTY
            for band in bands
        )


def _read_nodata(gdal: ctypes.CDLL, band: int) -> float | int | None:
    name, _ = _EXACT_NODATA.get(
        gdal.GDALGetRasterDataType(band), ("GDALGetRasterNoDataValue", None)
    )
    is_set = ctypes.c_int(0)
    value: float | int = getattr(gdal, name)(band, ctypes.byref(is_set))
    return value if is_set.value else None


def _bands_of_rasterio(path: Path) -> list[Band]:
    with rasterio.open(path, driver="GTiff") as dataset:
        try:
            texts = [
                (clean_label(a or ""), clean_label(b or "", UNIT_CHARACTERS))
                for a, b in zip(dataset.descriptions, dataset.units, strict=True)
            ]
        except UnicodeDecodeError:
            texts = [("", "")] * dataset.count
        nodata = dataset.nodatavals
    return [Band(*text, nodata=value) for text, value in zip(texts, nodata, strict=True)]


def translate(
    source: Path | str,
    target: Path,
    arguments: Sequence[str],
    descriptions: Sequence[str],
    progress: Callable[[float], None],
    room: tuple[str, int] | None = None,
    *,
    driver: str = "GTiff",
    siblings: bool = False,
) -> None:
    """Copy an upload into a new file, as the program gdal_translate does.

    Args:
        arguments: of gdal_translate: driver (-of), creation options (-co), bands (-b) and so on.
        descriptions: names of the upload's bands, which may be no text in the file itself.
        progress: called with 0..1 between blocks of pixels; what it raises stops the copy within
            a few blocks and comes out of here. Not called at all where GDAL cannot be reached
            directly (rasterio itself offers no progress).
        room: name and bytes of an item of metadata to add, which says nothing.
        driver: that opens the upload.
        siblings: whether GDAL may read files beside it.

    Raises:
        CopyFailedError: GDAL gave up.
        ProcessingError: external_overviews.
    """
    path = find_library()
    if path is None:
        if driver != "GTiff":
            raise ProcessingError("not_supported_here", "This server reads GeoTIFF only.")
        _copy_without_progress(Path(source), target, arguments)
        return
    stopped_by: list[BaseException] = []

    def tick(fraction: float, _message: Any, _data: Any) -> int:
        try:
            progress(fraction)
        except BaseException as reason:
            stopped_by.append(reason)
            return 0
        return 1

    callback = ProgressFunction(tick)
    # Env registers the drivers. What is changed of the upload is not written beside it.
    with rasterio.Env(GDAL_PAM_ENABLED=siblings):
        gdal = bind(path)
        gdal.CPLPushErrorHandler(ctypes.cast(gdal.CPLQuietErrorHandler, ctypes.c_void_p))
        try:
            read = gdal.GDALOpenEx(
                str(source).encode(), _READ_ONLY_RASTER, _strings([driver]), None, None
            )
            if not read:
                raise CopyFailedError(_last_error(gdal))
            if gdal.GDALGetMetadata(read, _OVERVIEWS.encode()):
                gdal.GDALClose(read)
                raise _external_overviews()
            for index, text in enumerate(descriptions, start=1):
                band = gdal.GDALGetRasterBand(read, index)
                gdal.GDALSetDescription(band, text.encode())
                _forget_statistics(gdal, band)
            if room:
                gdal.GDALSetMetadataItem(read, room[0].encode(), b"-" * room[1], None)
            options = gdal.GDALTranslateOptionsNew(_strings(arguments), None)
            if not options:
                raise CopyFailedError(_last_error(gdal))
            gdal.GDALTranslateOptionsSetProgress(options, callback, None)
            written = gdal.GDALTranslate(str(target).encode(), read, options, None)
            message = _last_error(gdal)
            gdal.GDALTranslateOptionsFree(options)
            if written:
                gdal.GDALClose(written)
            gdal.GDALClose(read)
        finally:
            gdal.CPLPopErrorHandler()
    if stopped_by:
        raise stopped_by[0]
    if not written:
        raise CopyFailedError(message)


@contextmanager
def open_band(source: str, driver: str) -> Iterator[tuple[ctypes.CDLL, Any] | None]:
    """Open the first band of what GDAL has read before, for what rasterio does not tell.

    With what a file beside it says; None where that is not possible.
    """
    library = bind(path) if (path := find_library()) else None
    opened = library and library.GDALOpenEx(
        source.encode(), _READ_ONLY_RASTER, _strings([driver]), None, None
    )
    if not (library and opened):
        yield None
        return
    try:
        band = library.GDALGetRasterBand(opened, 1)
        library.GDALGetMetadata(band, None)  # only now GDAL reads the file beside a TIFF
        yield library, band
    finally:
        library.GDALClose(opened)


def _forget_statistics(gdal: ctypes.CDLL, band: int) -> None:
    """Leave out the upload's statistics: of other pixels, perhaps, and programs stretch by them."""
    items = gdal.GDALGetMetadata(band, None)
    names: list[bytes] = []
    while items and items[len(names)]:
        names.append(items[len(names)].partition(b"=")[0])
    for name in names:
        if name.startswith(b"STATISTICS_"):
            gdal.GDALSetMetadataItem(band, name, None, None)


def _last_error(gdal: ctypes.CDLL) -> str:
    return (gdal.CPLGetLastErrorMsg() or b"").decode(errors="replace")


def _copy_without_progress(source: Path, target: Path, arguments: Sequence[str]) -> None:
    """The same copy through rasterio: same driver, same pixels, but the bar stands still."""
    from rasterio.shutil import copy as rasterio_copy

    pairs = dict(zip(arguments[::2], arguments[1::2], strict=True))
    driver = pairs.pop("-of")
    options = [
        value for flag, value in zip(arguments[::2], arguments[1::2], strict=True) if flag == "-co"
    ]
    if pairs.keys() - {"-co"}:
        raise ProcessingError(
            "not_supported_here",
            "This server can choose neither bands nor a nodata value. Leave these options out.",
        )
    logger.warning("libgdal not found beside rasterio: converting without progress")
    try:
        with open_upload(source) as dataset:
            rasterio_copy(
                dataset, target, driver=driver, strict=False,
                **dict(option.split("=", 1) for option in options),
            )  # fmt: skip
    except rasterio.errors.RasterioError as error:
        raise CopyFailedError(str(error)) from None
