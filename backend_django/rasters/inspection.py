"""Looking at the header of an upload before any of its pixels is read.

Refuses what cannot or must not be converted, each time with a code and a sentence that says what
to do. Runs in a child process with limits: opening a hostile file is already work for GDAL.
"""

import logging
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.enums import Interleaving, MaskFlags

from backend_django.processing.errors import ProcessingError
from backend_django.utils.messages import Message
from backend_django.utils.text import clean_text

from . import gdal
from .georeference import geographic_bounds
from .tiff import count_directories
from .times import find_acquired_at

logger = logging.getLogger(__name__)

_TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_OTHER_SIGNATURES = (  # of what is not read here, and why
    (b"\x1f\x8b", Message("a gzip archive: unpack it, or pack the GeoTIFF as a ZIP archive")),
    (b"7z\xbc\xaf", Message("a 7-Zip archive: unpack it, or pack the GeoTIFF as a ZIP archive")),
    (b"Rar!", Message("a RAR archive: unpack it, or pack the GeoTIFF as a ZIP archive")),
    (
        b"\x89HDF",
        Message(
            "an HDF5 or netCDF-4 file, which may name other files of this server: "
            'convert it with `gdal_translate HDF5:"in.h5"://name out.tif`'
        ),
    ),
    (
        b"SQLite format 3",
        Message(
            "a GeoPackage or another database: convert its raster with "
            "`gdal_translate in.gpkg out.tif`"
        ),
    ),
    (b"GRIB", Message("a GRIB file: convert it with `gdal_translate in.grib out.tif`")),
    (b"NITF", Message("a NITF file: convert it with `gdal_translate in.ntf out.tif`")),
    (b"GIF8", Message("a GIF image: convert it with `gdal_translate in.gif out.tif`")),
    (b"RIFF", Message("a WebP image: convert it with `gdal_translate in.webp out.tif`")),
    (b"%PDF", Message("a PDF document: convert it with `gdal_translate in.pdf out.tif`")),
    (
        b"<",
        Message(
            "an XML, HTML or VRT text, which may name other files of this server: "
            "convert it with `gdal_translate in.vrt out.tif`"
        ),
    ),
)


_MAX_BANDS = 4096  # GDAL takes memory for each as it opens a file
_MAX_DIRECTORIES = 256  # a raster has one, and one for each overview and mask


@dataclass(frozen=True)
class Limits:
    """The limits of the machine for a raster. Sizes in bytes."""

    uncompressed: int  # all pixels of all bands
    block: int  # one tile or strip: the least GDAL can decode at once
    bands: int
    seconds: float  # of one core, for the conversion as estimated


@dataclass(frozen=True)
class Inspection:
    """The facts of the header, as far as the conversion depends on them."""

    width: int  # pixels
    height: int  # pixels
    count: int  # bands
    dtype: str  # rasterio's name, e.g. "uint8", "complex_int16"
    bounds: list[float]  # west, south, east, north in degrees; east > 180 beyond the antimeridian
    nodata: float | int | None  # of 64-bit integers exactly, which no float can be
    interpretations: tuple[str, ...]  # of the colours, per band: "red", "alpha", "palette", …
    has_mask: bool
    descriptions: tuple[str, ...]  # of the bands; "" where there is none
    units: tuple[str, ...]
    blocks: int  # of all bands
    stored: float  # share of the pixels whose blocks are in the file; the others are empty
    acquired_at: str | None  # when the pixels were taken, in RFC 3339

    @property
    def has_palette(self) -> bool:
        return "palette" in self.interpretations

    @property
    def has_alpha(self) -> bool:
        return "alpha" in self.interpretations

    @property
    def is_complex(self) -> bool:
        return self.dtype.startswith("complex")

    @property
    def has_large_nodata(self) -> bool:
        """Whether a double cannot tell the nodata value from its neighbours."""
        return isinstance(self.nodata, int) and abs(self.nodata) > 2**53

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one band."""
        return sample_bytes(self.dtype)

    @property
    def uncompressed(self) -> int:
        """Bytes of all pixels of all bands."""
        return self.width * self.height * self.count * self.sample_bytes


def sample_bytes(dtype: str) -> int:
    return 4 if dtype == "complex_int16" else np.dtype(dtype).itemsize


def inspect(path: Path, limits: Limits, bands: Sequence[int] = ()) -> Inspection:
    """Read the header of an upload.

    Args:
        bands: those that were chosen: only their number is limited.

    Raises:
        ProcessingError: empty_file, not_a_tiff, unreadable, several_images, external_overviews,
            too_many_bands, too_large, block_too_large, truncated, codec_missing, no_crs,
            no_georeference, unusable_crs, outside_crs.
    """
    check_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            with rasterio.Env(), gdal.open_upload(path) as dataset:
                _check_pages(dataset)
                check_size(dataset, limits, bands)
                _check_complete(dataset, path)
                return _describe(dataset, path)
        except rasterio.errors.CRSError as error:
            logger.info("CRS not understood: %s", clean_text(error))
            raise _unusable_crs() from None
        except UnicodeDecodeError:  # rasterio reads the CRS as it opens the file
            raise ProcessingError(
                "unusable_crs",
                "The name of the raster's coordinate reference system is not in UTF-8. Assign the "
                "system anew, for example with `gdal_edit.py -a_srs EPSG:… in.tif`, and upload it "
                "again.",
            ) from None
        except rasterio.errors.RasterioError as error:
            logger.info("GDAL cannot open the upload: %s", clean_text(gdal.whole_text(error)))
            if gdal.lacks_codec(error):
                raise codec_missing() from None
            raise ProcessingError(
                "unreadable",
                "The file begins like a TIFF but cannot be read as one: it is damaged, incomplete "
                "or of an unusual kind. Check it with `gdalinfo`, or export it again.",
            ) from None


def read_facts(path: Path) -> Inspection:
    """Return what the header of a file of our own making says."""
    with rasterio.Env(), rasterio.open(path, driver="GTiff") as dataset:
        return _describe(dataset, path)


def check_file(path: Path) -> None:
    """Refuse what is no TIFF, or has too many directories, before GDAL opens it.

    Raises:
        ProcessingError: empty_file, not_a_tiff, several_images.
    """
    _check_signature(path)
    _check_directories(path)


def _check_signature(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise ProcessingError("empty_file", "The file is empty. Upload it again.")
    if head.startswith(_TIFF_SIGNATURES):
        return
    raise not_a_tiff(head)


def not_a_tiff(head: bytes) -> ProcessingError:
    """Return the refusal of a file that begins with these bytes."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((words for start, words in _OTHER_SIGNATURES if text.startswith(start)), "")
    if not head:
        return ProcessingError("empty_file", "The file is empty. Upload it again.")
    return ProcessingError(
        "not_a_tiff",
        Message("This is not a GeoTIFF but %(kind)s.", kind=kind)
        if kind
        else Message(
            "This is not a GeoTIFF, nor another kind of raster that is read here. "
            "Convert it with `gdal_translate in.xyz out.tif`, and upload that."
        ),
    )


def _check_directories(path: Path) -> None:
    if count_directories(path, _MAX_DIRECTORIES) > _MAX_DIRECTORIES:
        raise _several_images(Message("more than %(most)s", most=_MAX_DIRECTORIES))


def _several_images(count: str) -> ProcessingError:
    return ProcessingError(
        "several_images",
        "The file holds %(count)s images, and only one can be shown. Take one "
        "out, for example the first with `gdal_translate GTIFF_DIR:1:in.tif "
        "out.tif`, and upload that.",
        count=count,
    )


def _check_pages(dataset: Any) -> None:
    """Refuse a file of which only a part would be kept."""
    pages = len(dataset.subdatasets)
    if pages > 1:  # one is the image itself, with others below it, as previews are
        raise _several_images(str(pages))


def check_size(dataset: Any, limits: Limits, bands: Sequence[int]) -> None:
    """Refuse what is too large to be decoded.

    Raises:
        ProcessingError: too_many_bands, too_large, block_too_large.
    """
    count = len(bands) or dataset.count
    if count > limits.bands or dataset.count > _MAX_BANDS:
        raise ProcessingError(
            "too_many_bands",
            Message(
                "The raster has %(count)s bands; at most %(most)s are accepted. Name "
                "those that you need in the option “Bands”, as in 30,20,10.",
                count=dataset.count,
                most=limits.bands,
            )
            if dataset.count <= _MAX_BANDS
            else Message(
                "The raster has %(count)s bands; at most %(most)s can be opened. "
                "Choose some of them with `gdal_translate -b 1 -b 2 in.tif out.tif`.",
                count=dataset.count,
                most=_MAX_BANDS,
            ),
        )
    itemsize = sample_bytes(dataset.dtypes[0])
    size = dataset.width * dataset.height * count * itemsize
    if size > limits.uncompressed:
        raise ProcessingError(
            "too_large",
            Message.counted(
                "The raster has %(width)s × %(height)s pixels in %(count)s band, %(size)s when "
                "decoded; at most %(most)s are accepted. Cut it into parts.",
                "The raster has %(width)s × %(height)s pixels in %(count)s bands, %(size)s when "
                "decoded; at most %(most)s are accepted. Cut it into parts.",
                count=count,
                width=dataset.width,
                height=dataset.height,
                size=_gigabytes(size),
                most=_gigabytes(limits.uncompressed),
            ),
        )
    block_height, block_width = dataset.block_shapes[0]
    block = block_height * block_width * itemsize
    if dataset.interleaving == Interleaving.pixel:
        block *= dataset.count
    if block > limits.block:
        raise ProcessingError(
            "block_too_large",
            "The raster is stored in blocks of %(block_width)s × %(block_height)s "
            "pixels, %(size)s each, which takes too much memory to read. "
            "Store it in small tiles with `gdal_translate -co TILED=YES in.tif "
            "out.tif`.",
            block_width=block_width,
            block_height=block_height,
            size=_gigabytes(block),
        )


def _check_complete(dataset: Any, path: Path) -> None:
    """Refuse a file whose last block lies beyond its end, as after a broken transfer.

    The first and the last block of each band are looked at; what is missing in the middle shows
    when it is read.
    """
    size = path.stat().st_size
    block_height, block_width = dataset.block_shapes[0]
    last = ((dataset.width - 1) // block_width, (dataset.height - 1) // block_height)
    for band in dataset.indexes:
        for column, row in {(0, 0), last}:
            offset, length = (
                dataset.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", band)
                for what in ("OFFSET", "SIZE")
            )
            if offset and length and int(offset) + int(length) > size:
                raise ProcessingError(
                    "truncated",
                    "The file is incomplete: its end is missing. Copy or export it again, then "
                    "upload it.",
                )


def _describe(dataset: Any, path: Path) -> Inspection:
    planes = 1 if dataset.interleaving == Interleaving.pixel else dataset.count
    bands = gdal.read_bands(
        path, width=dataset.width, height=dataset.height, count=dataset.count, planes=planes
    )
    block_height, block_width = dataset.block_shapes[0]
    blocks = math.ceil(dataset.width / block_width) * math.ceil(dataset.height / block_height)
    bounds = _check_georeference(dataset)
    flags = dataset.mask_flag_enums[0]
    return Inspection(
        width=dataset.width,
        height=dataset.height,
        count=dataset.count,
        dtype=dataset.dtypes[0],
        bounds=bounds,
        nodata=bands[0].nodata,
        interpretations=tuple(kind.name for kind in dataset.colorinterp),
        has_mask=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
        descriptions=tuple(band.description for band in bands),
        units=tuple(band.unit for band in bands),
        blocks=blocks * planes,
        stored=sum(band.stored for band in bands) / dataset.count,
        acquired_at=find_acquired_at(dataset),
    )


def _check_georeference(dataset: Any) -> list[float]:
    transform: Affine = dataset.transform
    points, points_crs = dataset.gcps
    if not (dataset.crs or points_crs):
        if gdal.has_tags(dataset, "RPC"):
            raise _make_unrectified_error()
        raise ProcessingError(
            "no_crs",
            "The raster has no coordinate reference system: nothing says where on Earth it is. "
            "Assign the right one, for example with `gdal_edit.py -a_srs EPSG:32632 in.tif`, and "
            "upload it again.",
        )
    if not points and (
        transform.is_identity or transform.is_degenerate or not all(map(math.isfinite, transform))
    ):
        if gdal.has_tags(dataset, "RPC"):
            raise _make_unrectified_error()
        raise ProcessingError(
            "no_georeference",
            "The raster names a coordinate reference system but not its place in it. Set the "
            "corners, for example with `gdal_edit.py -a_ullr WEST NORTH EAST SOUTH in.tif`, "
            "and upload it again.",
        )
    try:
        bounds = geographic_bounds(dataset)
    except (CPLE_BaseError, rasterio.errors.TransformError) as error:
        logger.info("ground control points that give no transformation: %s", error)
        raise ProcessingError(
            "no_georeference",
            "The raster's ground control points do not say where it is: they are too few, or lie "
            "on one line. Add some, or rectify the raster with `gdalwarp`.",
        ) from None
    if bounds is None:
        raise ProcessingError(
            "outside_crs",
            "The raster's coordinates lie outside its coordinate reference system, as when metres "
            "are labelled as degrees. Check them with `gdalinfo`, assign the right system with "
            "`gdal_edit.py -a_srs EPSG:… in.tif`, and upload it again.",
        )
    return bounds


def codec_missing() -> ProcessingError:
    return ProcessingError(
        "codec_missing",
        "This server cannot decode the raster's compression; the file may be sound. Write it with "
        "another, for example with `gdal_translate -co COMPRESS=DEFLATE in.tif out.tif`, where "
        "GDAL has the codec.",
    )


def _make_unrectified_error() -> ProcessingError:
    return ProcessingError(
        "unrectified",
        "The raster is an unrectified image: it says where it is by rational polynomial "
        "coefficients (RPC) alone. Rectify it first, for example with `gdalwarp -rpc "
        "-t_srs EPSG:32632 in.tif out.tif`, and upload that.",
    )


def _unusable_crs() -> ProcessingError:
    return ProcessingError(
        "unusable_crs",
        "The raster's coordinate reference system cannot be related to the globe. Reproject it to "
        "a known one, for example with `gdalwarp -t_srs EPSG:4326 in.tif out.tif`, or assign the "
        "right one with `gdal_edit.py -a_srs EPSG:… in.tif`.",
    )


def _gigabytes(size: int) -> Message:
    if size >= 1e9:
        return Message("%(size)s GB", size=round(size / 1e9, 1))
    return Message("%(size)s MB", size=round(size / 1e6))
