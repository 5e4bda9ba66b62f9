"""The best way to store a raster: compression, predictor and overviews for its kind of pixels."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from backend_django.processing.errors import ProcessingError
from backend_django.utils.messages import Message

from . import gdal
from .compression import deflate
from .inspection import Inspection
from .options import BLOCK_SIZES, Options

# Level 1: on imagery and elevation the higher levels of DEFLATE and ZSTD take two to four times
# the time for one percent of size.
PROFILES = {
    "deflate": {"COMPRESS": "DEFLATE", "LEVEL": "1"},  # every reader understands it
    "zstd": {"COMPRESS": "ZSTD", "LEVEL": "1"},  # half the time; GDAL ≥ 2.3
    "lzw": {"COMPRESS": "LZW"},
    "webp": {"COMPRESS": "WEBP", "QUALITY": "85"},  # a tenth of the size, for the eye only
    "jpeg": {"COMPRESS": "JPEG", "QUALITY": "85"},
}
LOSSY = {"webp", "jpeg"}

BLOCK_BYTES = 32 * 1024**2  # decoded, all bands: whoever looks at one pixel holds that much

_STRIPS = 512  # pixels: smaller images may be in strips
_SAMPLES = 8  # windows that are compressed both ways
_SAMPLE_BANDS = 8  # at most, of each


def choose_recipe(source: Path, facts: Inspection, options: Options, *, classes: bool) -> list[str]:
    """Return the arguments of gdal_translate for an inspected upload.

    Args:
        facts: as the header will say, with the options applied.
        classes: whether the values are, of which there is no mean.

    Raises:
        ProcessingError: profile_unsuitable, or damaged_pixels when a sample cannot be read.
    """
    profile = options.compression
    check_profile(facts, profile)
    resampling = options.overview_resampling.upper()
    creation = {
        **PROFILES[profile],
        "BLOCKSIZE": str(block_size(facts, options)),
        "BIGTIFF": "IF_SAFER",
        # The upload's own overviews may be of any quality, or of another file altogether.
        "OVERVIEWS": "IGNORE_EXISTING",
        "OVERVIEW_RESAMPLING": _resampling(facts, classes) if resampling == "AUTO" else resampling,
        "NUM_THREADS": "ALL_CPUS",
    }
    if stays_sparse(facts, options):
        creation["SPARSE_OK"] = "TRUE"
    if profile in LOSSY:
        creation["OVERVIEW_QUALITY"] = creation["QUALITY"]
    elif classes and facts.dtype in {"uint8", "int8"} and profile != "lzw":
        # Few values, long runs: here a higher level does pay, and neighbours' differences do not.
        creation |= {"PREDICTOR": "NO", "LEVEL": "6"}
    else:
        creation["PREDICTOR"] = "YES" if _predictor_helps(source, facts, options) else "NO"
    if options.grid == "web":
        discrete = classes or facts.has_palette or facts.is_complex
        creation |= {
            "TILING_SCHEME": "GoogleMapsCompatible",
            "WARP_RESAMPLING": "NEAREST" if discrete else "BILINEAR",
        }
    arguments = ["-of", "COG"]
    for key, value in creation.items():
        arguments += ["-co", f"{key}={value}"]
    for band in options.bands:
        arguments += ["-b", str(band)]
    nodata = options.nodata.lower()
    if options.grid == "web" and facts.nodata is None and facts.dtype.startswith("float"):
        nodata = "nan"
    elif nodata and isinstance(facts.nodata, int):
        nodata = str(facts.nodata)  # GDAL takes the 1e3 of 64-bit integers for 1
    if nodata:
        arguments += ["-a_nodata", nodata]
    return arguments


def creation_options(recipe: Sequence[str]) -> dict[str, str]:
    """Return the creation options among the arguments of gdal_translate."""
    pairs = zip(recipe[::2], recipe[1::2], strict=True)
    return dict(value.split("=", 1) for flag, value in pairs if flag == "-co")


def stays_sparse(facts: Inspection, options: Options) -> bool:
    """Say whether blocks that the upload leaves out are left out of the result, too.

    Whoever read the one can read the other. Blocks that the upload has are kept, empty or not,
    because some readers take a missing one for damage.
    """
    return facts.stored < 1 and options.grid == "native" and not options.nodata


def block_size(facts: Inspection, options: Options) -> int:
    """Return the side of a block in pixels: the one asked for, or another that fits better.

    At most BLOCK_BYTES, and not as wide as the raster or one of its overviews: tools that look at
    widths alone, rio-cogeo among them, take such an image for one that is stored in strips.
    """
    asked, pixel_bytes = options.block_size, facts.count * facts.sample_bytes
    smallest, *others = BLOCK_SIZES
    fitting = [smallest, *(size for size in others if size**2 * pixel_bytes <= BLOCK_BYTES)]
    fitting.sort(key=lambda size: (size > asked, abs(size - asked)))
    levels = range(24 if options.grid == "native" else 0)
    widths = {
        width
        for level in levels
        if max(facts.width, facts.height) >> level >= _STRIPS
        for width in (facts.width >> level, -(-facts.width >> level))
    }
    return next((size for size in fitting if size not in widths), fitting[0])


def check_profile(facts: Inspection, profile: str) -> None:
    """Refuse a lossy profile for a raster it would harm.

    Raises:
        ProcessingError: profile_unsuitable.
    """
    if profile not in LOSSY:
        return
    colours = facts.count - facts.has_alpha
    allowed = (3,) if profile == "webp" else (1, 3)
    reason = ""
    if facts.dtype != "uint8" or facts.has_palette or colours not in allowed:
        bands = " or ".join(map(str, allowed))
        reason = Message("it is for images of 8 bits in %(bands)s bands", bands=bands)
    elif facts.nodata is not None:
        reason = Message("it changes values, and this raster marks missing pixels by one (nodata)")
    elif profile == "webp" and facts.has_mask:
        reason = Message("it cannot keep the raster's mask")
    if reason:
        raise ProcessingError(
            "profile_unsuitable",
            "The profile “%(profile)s” does not suit this raster: %(reason)s. "
            "Choose “auto”, “deflate” or “zstd”.",
            profile=profile,
            reason=reason,
        )


def _resampling(facts: Inspection, classes: bool) -> str:
    if facts.is_complex or facts.has_large_nodata:
        return "NEAREST"
    if classes:  # the mean of two classes is a third one
        # Of 64-bit integers GDAL's MODE fills missing pixels with 0.
        return "NEAREST" if facts.dtype in {"int64", "uint64"} else "MODE"
    return "AVERAGE"


def _predictor_helps(source: Path, facts: Inspection, options: Options) -> bool:
    """Say whether storing differences compresses better, by trying it on some windows."""
    if facts.is_complex or facts.has_palette:
        return False
    plain = predicted = 0
    try:
        with rasterio.Env(), gdal.open_upload(source) as dataset:
            bits = dataset.tags(1, ns="IMAGE_STRUCTURE").get("NBITS", "8")
            if bits not in {"8", "16", "32", "64"}:  # TIFF has no predictor for 1 or 12 of them
                return False
            bands = (options.bands or dataset.indexes)[:_SAMPLE_BANDS]
            for window in sample_windows(facts, options.block_size):
                pixels, side = dataset.read(bands, window=window), options.block_size
                plain += sum(map(len, deflate(pixels, side, predicted=False)))
                predicted += sum(map(len, deflate(pixels, side, predicted=True)))
    except rasterio.errors.RasterioError:
        # The conversion will meet the same block, and knows how to say so.
        return True
    return predicted < plain


def sample_windows(facts: Inspection, block_size: int) -> Iterator[Window]:
    """Windows along both diagonals, as far apart as the raster allows; few of a small one."""
    width, height = min(block_size, facts.width), min(block_size, facts.height)
    blocks = math.ceil(facts.width / width) * math.ceil(facts.height / height)
    steps = np.linspace(0.1, 0.9, _SAMPLES // 2)
    places = [*zip(steps, steps, strict=True), *zip(steps, 1 - steps, strict=True)]
    for x, y in places[:: max(1, _SAMPLES // blocks)]:
        yield Window(
            int(x * (facts.width - width)), int(y * (facts.height - height)), width, height
        )
