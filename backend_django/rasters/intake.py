"""The formats accepted beside a plain GeoTIFF, which are made one first.

Formats are allowed one by one, each for a reason: many people have it, GDAL's wheel reads it, and a
file of it names no other file that GDAL would open, or the process could not open it either. What
is not on the list is refused by name.
"""

import mmap
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import from_bounds

from backend_django.processing.errors import ProcessingError
from backend_django.utils.messages import Message
from backend_django.utils.text import clean_label

from . import gdal, process_limits
from .inspection import Limits, check_file, check_size, not_a_tiff, sample_bytes
from .labels import Label, class_labels
from .options import Options, parse_corners, parse_gcps

# Driver of GDAL, and what a file of it begins with.
_Formats = tuple[tuple[str, tuple[bytes, ...]], ...]
_FORMATS: _Formats = (
    ("JP2OpenJPEG", (b"\x00\x00\x00\x0cjP", b"\xffO\xffQ")),
    ("PNG", (b"\x89PNG",)),  # with a world file, or corners that are given
    ("JPEG", (b"\xff\xd8\xff",)),  # likewise
    ("HFA", (b"EHFA_HEADER_TAG",)),  # ERDAS Imagine
    ("netCDF", (b"CDF\x01", b"CDF\x02", b"CDF\x05")),  # the classic one, which names no files
    ("AAIGrid", (b"ncols", b"NCOLS", b"nrows", b"NROWS")),  # ESRI ASCII
)
# Files of these can have GDAL open others, or run what they hold: in a confined process alone.
_CONFINED_FORMATS: _Formats = (
    ("netCDF", (b"\x89HDF\r\n\x1a\n",)),  # netCDF-4 and other HDF5
    ("GPKG", (b"SQLite format 3\0",)),
)
_HEIGHTS = re.compile(r"[NS][0-9]{2}[EW][0-9]{3}", re.IGNORECASE)  # SRTM's names say their places
_HEIGHT_BYTES = {2 * 1201**2, 2 * 3601**2}
_RASTERS = {
    *(".tif", ".tiff", ".jp2", ".j2k", ".png", ".jpg", ".jpeg", ".img", ".asc", ".hgt"),
    *(".nc", ".nc4", ".h5", ".hdf5", ".he5", ".gpkg"),
}
_BESIDE = {
    ".tfw",
    ".tifw",
    ".wld",
    ".pgw",
    ".pngw",
    ".jgw",
    ".jpgw",
    ".j2w",
    ".prj",
    ".xml",
    ".msk",
}
_MAX_MEMBERS = 1000
_MAX_UNPACKED = 8 * 1024**3  # bytes
_MAX_LAYERS_NAMED = 20


@dataclass(frozen=True)
class Prepared:
    """A GeoTIFF that stands alone."""

    path: Path
    because: str = ""  # why it is another file than the upload, as the end of a sentence
    labels: Mapping[int, Label] = field(default_factory=dict)  # of classes


def prepare(
    upload: Path,
    name: str,
    options: Options,
    folder: Path,
    limits: Limits,
    *,
    confined: bool = False,
) -> Prepared:
    """Return an upload as a GeoTIFF, at the place that was given for it.

    Args:
        name: of the upload: some formats say in it what they are.
        folder: where new files may be made.
        confined: whether this process can open these files alone.

    Raises:
        ProcessingError: what `check_file` refuses; several_rasters, no_raster, archive_unreadable,
            archive_too_large, choose_layer, crs_unknown, external_pixels, external_overviews.
        gdal.CopyFailedError, rasterio.errors.RasterioError: the pixels cannot be read.
    """
    with upload.open("rb") as file:
        head = file.read(64)
    main, because = upload, ""
    if head.startswith(b"PK\x03\x04"):
        main, because = _unpack(upload, folder), Message("it came in an archive")
        with main.open("rb") as file:
            head = file.read(64)
        name = main.name
    driver = _driver(main, name, head, _FORMATS + (_CONFINED_FORMATS if confined else ()))
    if driver == "GTiff":
        check_file(main)
        if main == upload and not (options.crs or options.corners or options.gcps):
            return Prepared(upload)
        if main == upload:
            try:
                return Prepared(_place(upload, options, folder), Message("its place was given"))
            except (CPLE_BaseError, rasterio.errors.RasterioIOError):  # libtiff reads it, no more
                main, because = (
                    _rename(upload, name, driver, folder),
                    Message("its place was given"),
                )
    elif not driver:
        raise not_a_tiff(head)
    elif main == upload:
        main, because = (
            _rename(upload, name, driver, folder),
            Message("it came as %(title)s", title=_TITLES[driver]),
        )
    return _translate(main, driver, because, options, folder, limits)


_LAYERED = {"netCDF", "GPKG"}  # several rasters in a file
_TITLES: dict[str, str] = {
    "JP2OpenJPEG": "JPEG 2000",
    "PNG": "PNG",
    "JPEG": "JPEG",
    "HFA": "ERDAS Imagine",
    "netCDF": "netCDF",
    "AAIGrid": Message("an ESRI ASCII grid"),
    "SRTMHGT": Message("SRTM heights"),
    "ENVI": "ENVI",
    "GPKG": Message("a GeoPackage"),
}


def _driver(path: Path, name: str, head: bytes, formats: _Formats) -> str:
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "GTiff"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for driver, starts in formats:
        if text.startswith(starts):
            return driver
    if path.with_suffix(".hdr").exists():
        return "ENVI"
    is_heights = name.lower().endswith(".hgt") and _HEIGHTS.fullmatch(Path(name).stem)
    return "SRTMHGT" if is_heights and path.stat().st_size in _HEIGHT_BYTES else ""


def _rename(upload: Path, name: str, driver: str, folder: Path) -> Path:
    """Return an upload under a name that its driver wants; nothing else is in that folder."""
    endings = {"SRTMHGT": ".hgt", "AAIGrid": ".asc", "netCDF": ".nc", "GPKG": ".gpkg"}
    ending = endings.get(driver, "")
    stem = Path(name).stem.upper() if driver == "SRTMHGT" else "raster"
    path = folder / "alone" / f"{stem}{ending}"
    path.parent.mkdir()
    shutil.copyfile(upload, path)
    return path


def _place(upload: Path, options: Options, folder: Path) -> Path:
    """Return a copy of a GeoTIFF that says where it is."""
    with gdal.open_upload(upload):
        pass  # it is known to send GDAL nowhere
    path = folder / "placed.tif"
    shutil.copyfile(upload, path)
    with rasterio.Env(), rasterio.open(path, "r+", driver="GTiff") as dataset:
        crs = _crs(options) or dataset.crs
        if options.corners:
            dataset.transform = from_bounds(
                *parse_corners(options.corners), dataset.width, dataset.height
            )
            dataset.crs = crs
        elif options.gcps or dataset.gcps[0]:
            dataset.gcps = (_points(options) or dataset.gcps[0], crs or dataset.gcps[1])
        else:
            dataset.crs = crs
    with gdal.open_upload(path):
        return path


def _points(options: Options) -> list[GroundControlPoint]:
    return [
        GroundControlPoint(row=row, col=column, x=x, y=y)
        for column, row, x, y in (parse_gcps(options.gcps) if options.gcps else ())
    ]


def _crs(options: Options) -> CRS | None:
    if not options.crs:
        return None
    try:
        return CRS.from_string(options.crs)
    except rasterio.errors.CRSError:
        raise ProcessingError(
            "crs_unknown",
            "There is no coordinate reference system %(crs)s. Search for it by its name.",
            crs=options.crs,
        ) from None


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpack the one raster of a ZIP archive with what belongs to it, under names of our own."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir() and _is_wanted(m.filename)]
            if len(opened.infolist()) > _MAX_MEMBERS:
                raise _archive_too_large()
            main = _main_of([m.filename for m in members])
            stem = _without_ending(main)
            mine = [m for m in members if m.filename.lower().startswith(stem.lower())]
            if sum(member.file_size for member in mine) > _MAX_UNPACKED:
                raise _archive_too_large()
            target = folder / "unpacked"
            target.mkdir()
            base = Path(stem).name
            new_stem = base.upper() if _HEIGHTS.fullmatch(base) else "raster"
            for member in mine:
                ending = member.filename[len(stem) :].lower()
                if member.filename != main and not re.fullmatch(r"(\.[a-z0-9]{1,4}){1,3}", ending):
                    continue
                with opened.open(member) as read, (target / f"{new_stem}{ending}").open("wb") as to:
                    shutil.copyfileobj(read, to)
            return target / f"{new_stem}{main[len(stem) :].lower()}"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ProcessingError(
            "archive_unreadable",
            "The ZIP archive cannot be unpacked: it is damaged, encrypted, or packed in an unusual "
            "way. Pack it anew, without a password.",
        ) from None


def _archive_too_large() -> ProcessingError:
    return ProcessingError(
        "archive_too_large",
        "The archive has more than %(max_members)s files, or its raster more "
        "than %(max_unpacked)s GB. Upload the GeoTIFF itself.",
        max_members=_MAX_MEMBERS,
        max_unpacked=round(_MAX_UNPACKED / 1000000000.0),
    )


def _is_wanted(name: str) -> bool:
    if name.lower().endswith(".ovr"):  # overviews are made anew
        return False
    return not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _without_ending(name: str) -> str:
    folder, slash, base = name.rpartition("/")
    return folder + slash + (base.rpartition(".")[0] or base)


def _main_of(names: list[str]) -> str:
    """Return which file of an archive is the raster."""
    headers = {_without_ending(n).lower() for n in names if n.lower().endswith(".hdr")}
    found = [
        name
        for name in names
        if (ending := Path(name).suffix.lower()) in _RASTERS
        or (
            ending not in _BESIDE | {".hdr"}
            and {name.lower(), _without_ending(name).lower()} & headers
        )
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ProcessingError(
            "no_raster",
            "The archive holds no raster of a kind that is read here: "
            "GeoTIFF, JPEG 2000, PNG, JPEG, ESRI ASCII, SRTM, ENVI, ERDAS Imagine, netCDF, HDF5 or "
            "GeoPackage.",
        )
    listed = ", ".join(clean_label(Path(name).name, 60) for name in found[:5])
    raise ProcessingError(
        "several_rasters",
        "The archive holds %(found)s rasters (%(listed)s). Upload "
        "each by itself, with the files that belong to it.",
        found=len(found),
        listed=f"{listed}{', …' if len(found) > 5 else ''}",
    )


def _translate(
    main: Path, driver: str, because: str, options: Options, folder: Path, limits: Limits
) -> Prepared:
    if driver == "HFA" and _names_another_file(main):
        raise ProcessingError(
            "external_pixels",
            "The ERDAS file keeps its pixels in another file (.ige). Make one file of both with "
            "`gdal_translate in.img out.tif`, and upload that.",
        )
    # PAM's .aux.xml, world files and masks beside the file; the folder holds nothing else.
    with rasterio.Env(
        GDAL_PAM_ENABLED="YES", GDAL_DISABLE_READDIR_ON_OPEN="FALSE", GDAL_TIFF_INTERNAL_MASK="YES"
    ):
        if driver == "netCDF":
            main = main.rename(main.with_suffix(".nc"))  # or GDAL leaves HDF5 to another driver
        address = _layer(main, driver, options) if driver in _LAYERED else str(main)
        with rasterio.open(address, driver=driver) as dataset:
            check_size(dataset, limits, options.bands)
            pixels = dataset.width * dataset.height * dataset.count
            process_limits.limit_files(pixels * max(map(sample_bytes, dataset.dtypes)))
            crs = _crs(options) or dataset.crs or _projection_file(main)
        arguments = ["-of", "GTiff", "-co", "TILED=YES", "-co", "COMPRESS=ZSTD"]
        arguments += ["-co", "ZSTD_LEVEL=1", "-co", "BIGTIFF=IF_SAFER"]
        if crs:
            arguments += ["-a_srs", crs.to_wkt()]
        if options.corners:
            west, south, east, north = map(str, parse_corners(options.corners))
            arguments += ["-a_ullr", west, north, east, south]
        for point in _points(options):
            arguments += ["-gcp", *map(str, (point.col, point.row, point.x, point.y))]
        path = folder / "source.tif"
        gdal.translate(
            address, path, arguments, [], lambda share: None, driver=driver, siblings=True
        )
        return Prepared(path, because, class_labels(address, driver))


def _names_another_file(main: Path) -> bool:
    with main.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return re.search(rb"\.ige", content, re.IGNORECASE) is not None


def _projection_file(main: Path) -> CRS | None:
    """Return what a .prj beside the raster says, which GDAL does not read for each format."""
    path = main.with_suffix(".prj")
    if not path.exists() or path.stat().st_size > 10_000:
        return None
    try:
        return CRS.from_wkt(path.read_text(errors="replace"), morph_from_esri_dialect=True)
    except rasterio.errors.CRSError:
        return None


def _layer(main: Path, driver: str, options: Options) -> str:
    """Return the address of one raster of a file."""
    try:
        with rasterio.open(main, driver=driver) as dataset:
            layers: dict[str, Any] = {one.rsplit(":", 1)[-1]: one for one in dataset.subdatasets}
            empty = not layers and not dataset.count
    except rasterio.errors.RasterioIOError:
        if driver != "GPKG":
            raise
        empty = True
    if empty:
        raise ProcessingError(
            "no_raster", "The file is %(title)s, and has no raster in it.", title=_TITLES[driver]
        )
    if not layers:
        return str(main)
    if options.layer in layers:
        return str(layers[options.layer])
    if len(layers) == 1 and not options.layer:
        return str(next(iter(layers.values())))
    listed = ", ".join(clean_label(name, 60) for name in list(layers)[:_MAX_LAYERS_NAMED])
    raise ProcessingError(
        "choose_layer",
        "The file holds %(layers)s rasters: %(listed)s. Name one of them in the option “Layer”.",
        layers=len(layers),
        listed=listed,
    )
