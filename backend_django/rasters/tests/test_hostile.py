"""Uploads that want to reach other files, the network, or all of the machine's memory."""

import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import django
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from backend_django.processing.errors import ProcessingError
from backend_django.rasters import cost, gdal
from backend_django.rasters.inspection import Limits, inspect
from backend_django.rasters.processor import RasterProcessor
from backend_django.rasters.settings import LIMITS
from backend_django.rasters.tiff import count_directories
from tests.matrix import matrix

from . import factory
from .conftest import Convert
from .test_inspection import tiff
from .test_processor import make_context

pytestmark = pytest.mark.slow

SECRET = 77  # the value of every pixel of somebody else's raster


class Listener:
    """A port on the loopback that notes who comes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.visits: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.visits.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.socket.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir()
    values = np.full((1, 256, 256), SECRET, np.uint8)
    return factory.write(tmp_path / "other" / "secret.tif", values)


def upload(tmp_path: Path) -> Path:
    (tmp_path / "input").mkdir(exist_ok=True)
    return tmp_path / "input" / "upload"


def vrt(source: str) -> str:
    return (
        '<VRTDataset rasterXSize="256" rasterYSize="256"><SRS>EPSG:32632</SRS>'
        "<GeoTransform>500000,10,0,5200000,0,-10</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )


TEXTS: dict[str, Callable[[str, str], str]] = {
    "VRT to a file": lambda file, url: vrt(file),
    "VRT to the network": lambda file, url: vrt(f"/vsicurl/{url}/x.tif"),
    "WMS": lambda file, url: (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}/${{x}}/${{y}}</ServerUrl></Service>'
        "<DataWindow><SizeX>256</SizeX><SizeY>256</SizeY></DataWindow></GDAL_WMS>"
    ),
    "WCS": lambda file, url: (
        f"<WCS_GDAL><ServiceURL>{url}/?</ServiceURL><CoverageName>x</CoverageName></WCS_GDAL>"
    ),
    "GDALG": lambda file, url: (
        f'{{"type": "gdal_streamed_alg", "command_line": "gdal raster convert {file} -"}}'
    ),
    "subdataset name": lambda file, url: f"GTIFF_DIR:1:{file}",
    "path": lambda file, url: file,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_texts_that_are_data_sources_to_gdal(
    text: Callable[[str, str], str], tmp_path: Path, secret: Path, listener: Listener
) -> None:
    source = upload(tmp_path)
    source.write_text(text(str(secret), listener.url))
    with pytest.raises(ProcessingError) as refused:
        RasterProcessor().process(make_context(source, tmp_path))
    assert refused.value.code == "not_a_tiff"
    assert not listener.visits


@pytest.mark.parametrize("target", ["file", *map(matrix, ("network", "VRT"))])
def test_a_geotiff_with_overviews_elsewhere(
    target: str, tmp_path: Path, secret: Path, listener: Listener
) -> None:
    """The one that gets past `driver="GTiff"`; both layers are tried, each without the other."""
    source = upload(tmp_path)
    factory.write(source, factory.pixels("uint8", 1, 1024, 1024) // 4)
    indirect = tmp_path / "other" / "indirect.vrt"
    indirect.write_text(vrt(str(secret)))
    reference = {
        "file": str(secret),
        "network": f"/vsicurl/{listener.url}/x.tif",
        "VRT": str(indirect),
    }
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=reference[target])

    with pytest.raises(ProcessingError) as refused:
        RasterProcessor().process(make_context(source, tmp_path))
    assert refused.value.code == "external_overviews"
    assert str(tmp_path) not in refused.value.message

    cog = tmp_path / "out.tif"
    recipe = ["-of", "COG", "-co", "OVERVIEWS=IGNORE_EXISTING"]
    with pytest.raises(ProcessingError) as refused:
        gdal.translate(source, cog, recipe, [], lambda fraction: None)
    assert refused.value.code == "external_overviews"
    assert not cog.exists()
    assert not listener.visits


def test_files_beside_the_upload_are_not_read(
    tmp_path: Path, secret: Path, listener: Listener
) -> None:
    source = upload(tmp_path)
    factory.write(source, factory.pixels("uint8", 1, 1024, 1024) // 4)
    source.with_name("upload.aux.xml").write_text(
        '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">'
        f"/vsicurl/{listener.url}/x.tif</MDI></Metadata><Metadata><MDI key='stolen'>1</MDI>"
        "</Metadata></PAMDataset>"
    )
    source.with_name("upload.ovr").write_bytes(secret.read_bytes())
    source.with_name("upload.msk").write_bytes(secret.read_bytes())
    processor, context = RasterProcessor(), make_context(source, tmp_path)
    with rasterio.open(processor.process(context).files["cog"].path) as dataset:
        assert "stolen" not in dataset.tags()
        assert dataset.read_masks(1).min() == 255
        assert dataset.read(1, out_shape=(256, 256)).max() < SECRET
    assert not listener.visits


def bomb_of_bands(path: Path) -> None:
    """205 KB that took 15 GB."""
    with rasterio.open(
        path, "w", driver="GTiff", width=64, height=64, count=20_000, dtype="uint8",
        crs=factory.UTM32, transform=factory.ORIGIN, compress="deflate", interleave="pixel",
        SPARSE_OK=True,
    ):  # fmt: skip
        pass


def bomb_of_one_tile(path: Path) -> None:
    """One tile of 1 GiB."""
    path.write_bytes(
        tiff(
            t256=(4, [32768]), t257=(4, [32768]), t258=(3, [8]), t259=(3, [8]), t262=(3, [1]),
            t277=(3, [1]), t322=(4, [32768]), t323=(4, [32768]), t324=(4, [8]), t325=(4, [64]),
            t33550=(12, [10, 10, 0]), t33922=(12, [0, 0, 0, 500_000, 5_200_000, 0]),
            t34735=(3, [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632]),
        )
    )  # fmt: skip


def bomb_of_nothing(path: Path) -> None:
    """A few megabytes of empty tiles, 300,000 pixels a side."""
    with rasterio.open(
        path, "w", driver="GTiff", width=300_000, height=300_000, count=3, dtype="uint8",
        crs=factory.UTM32, transform=factory.ORIGIN, compress="deflate", tiled=True,
        blockxsize=512, blockysize=512, SPARSE_OK=True, BIGTIFF="YES",
    ):  # fmt: skip
        pass


def bomb_of_directories(path: Path, order: str = "<", big: bool = False) -> None:
    """65,000 images in 2.7 MB, which GDAL looked at for 41 s."""
    count, entry, pointer = ("Q", "HHQQ", "Q") if big else ("H", "HHII", "I")
    values = ((256, 3, 1, 1), (257, 3, 1, 1))
    length = struct.calcsize(f"={count}{entry * 2}{pointer}")
    head = b"II" if order == "<" else b"MM"
    head += struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if big else struct.pack(f"{order}HI", 42, 8)
    body = b"".join(
        struct.pack(
            f"{order}{count}{entry * 2}{pointer}", 2, *values[0], *values[1],
            len(head) + (index + 1) * length,
        )
        for index in range(65_000)
    )  # fmt: skip
    path.write_bytes(head + body)


def bomb_of_narrow_tiles(path: Path) -> None:
    """One column of 2,000 million pixels, which would become 1,000 GB of blocks."""
    tiff_without_blocks(path, 1, 2_000_000_000, 2048, pixel=1e-4)


def tiff_without_blocks(path: Path, width: int, height: int, tile: int, pixel: float = 0.1) -> None:
    """Write a GeoTIFF of a few hundred bytes: the first offset is 0, the others are not there."""
    path.write_bytes(
        tiff(
            t256=(4, [width]), t257=(4, [height]), t258=(3, [8]), t259=(3, [8]), t262=(3, [1]),
            t277=(3, [1]), t322=(4, [tile]), t323=(4, [tile]), t324=(4, [0]), t325=(4, [0]),
            t33550=(12, [pixel, pixel, 0]), t33922=(12, [0, 0, 0, 500_000, 5_200_000, 0]),
            t34735=(3, [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632]),
        )
    )  # fmt: skip


def refusal(source: Path, tmp_path: Path) -> tuple[str, float, float]:
    """Return the code of the refusal, its seconds, and the MB of the largest child that it took.

    Runs in a process of its own, because the system's count of children never goes down.
    """
    began = time.monotonic()
    with pytest.raises(ProcessingError) as refused:
        RasterProcessor().process(make_context(source, tmp_path))
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return refused.value.code, time.monotonic() - began, largest


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (bomb_of_bands, "too_many_bands"),
        matrix(bomb_of_one_tile, "block_too_large"),
        matrix(bomb_of_nothing, "too_large"),
        matrix(bomb_of_directories, "several_images"),
        matrix(partial(bomb_of_directories, order=">", big=True), "several_images"),
        (bomb_of_narrow_tiles, "too_much_work"),
    ],
)
def test_bombs_do_not_go_off(make: Callable[[Path], None], code: str, tmp_path: Path) -> None:
    source = upload(tmp_path)
    make(source)
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=django.setup) as process:
        refused, seconds, megabytes = process.submit(refusal, source, tmp_path).result()
    assert refused == code
    assert seconds < 10
    assert megabytes < 1000, f"a child took {megabytes:.0f} MB"


def peak(source: Path, tmp_path: Path) -> float:
    """Return the MB of the largest child that a conversion took."""
    RasterProcessor().process(make_context(source, tmp_path))
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


@pytest.mark.matrix
def test_rows_of_classes_take_no_more_memory_than_others(tmp_path: Path) -> None:
    """Bytes are counted by numbers that are eight times as wide."""
    values = np.full((1, 4096, 12_288), 1, np.uint8)
    values[:, :800] = 255
    factory.write(upload(tmp_path), values, nodata=255, blockysize=1, compress="DEFLATE")
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=django.setup) as process:
        megabytes = process.submit(peak, upload(tmp_path), tmp_path).result()
    assert megabytes < 400, f"a child took {megabytes:.0f} MB"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_directories_are_counted_no_further_than_needed(
    order: str, big: bool, tmp_path: Path
) -> None:
    bomb_of_directories(upload(tmp_path), order, big)
    assert count_directories(upload(tmp_path), 256) == 257
    assert count_directories(upload(tmp_path), 100_000) == 65_000  # the last one points nowhere


def test_a_few_bytes_for_a_gigapixel_stay_a_few_bytes(tmp_path: Path, convert: Convert) -> None:
    """What an upload leaves out is not made, decoded, compressed and stored."""
    tiff_without_blocks(upload(tmp_path), 30_000, 30_000, 512)
    assert upload(tmp_path).stat().st_size < 300
    target, data = convert(upload(tmp_path))
    assert (data["width"], data["height"]) == (30_000, 30_000)
    assert target.stat().st_size < 300_000  # offsets; it was two megabytes of compressed nothing
    with rasterio.open(target) as dataset:
        assert dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", 1) is None
        assert not dataset.read(1, out_shape=(300, 300)).any()


@pytest.mark.parametrize("nodata", [None, 9])
@pytest.mark.parametrize("count", [1, 3])
def test_sparse_rasters_have_the_pixels_that_gdal_gives_them(
    count: int, nodata: int | None, tmp_path: Path, convert: Convert
) -> None:
    source, plain = upload(tmp_path), tmp_path / "plain.tif"
    with rasterio.open(
        source, "w", driver="GTiff", width=1500, height=1300, count=count, dtype="uint8",
        crs=factory.UTM32, transform=factory.ORIGIN, compress="deflate", tiled=True,
        nodata=nodata, SPARSE_OK=True,
    ) as dataset:  # fmt: skip
        values = factory.pixels("uint8", count, 400, 300)
        dataset.write(values, window=Window(100, 200, 300, 400))
        dataset.write(np.zeros_like(values), window=Window(1000, 700, 300, 400))
    target, _ = convert(source)
    gdal.translate(
        source, plain, ["-of", "COG", "-co", "OVERVIEW_RESAMPLING=AVERAGE", "-co", "BLOCKSIZE=256"],
        [], lambda fraction: None,
    )  # fmt: skip
    with rasterio.open(target) as ours, rasterio.open(plain) as theirs:
        assert ours.overviews(1) == theirs.overviews(1) != []
        for factor in (1, *ours.overviews(1)):
            shape = (count, ours.height // factor, ours.width // factor)
            assert (ours.read(out_shape=shape) == theirs.read(out_shape=shape)).all()
            assert (ours.read_masks(out_shape=shape) == theirs.read_masks(out_shape=shape)).all()


def test_empty_blocks_that_were_stored_stay_stored(tmp_path: Path, convert: Convert) -> None:
    empty = np.zeros((1, 600, 700), np.uint8)
    source = factory.write(upload(tmp_path), empty, tiled=True, compress="deflate")
    with rasterio.open(convert(source)[0]) as dataset:
        assert dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", 1)


def test_a_reprojection_may_be_much_larger_than_the_raster(tmp_path: Path) -> None:
    """Pixels of 1,000 m by 0.1 m become square ones: 500,000 million."""
    source = upload(tmp_path)
    with rasterio.open(
        source, "w", driver="GTiff", width=100, height=1_000_000, count=1, dtype="uint8",
        crs=factory.UTM32, transform=Affine(1000, 0, 500_000, 0, -0.1, 5_200_000), nodata=0,
        compress="deflate", tiled=True, SPARSE_OK=True,
    ):  # fmt: skip
        pass
    with rasterio.open(source) as dataset, WarpedVRT(dataset, crs="EPSG:3857") as warped:
        theirs = warped.width * warped.height
    found = inspect(source, Limits(**LIMITS))
    across, up = cost.web_size(found)
    assert across * up == pytest.approx(theirs, rel=0.1)
    with pytest.raises(ProcessingError, match=r"Keep the raster's own grid") as refused:
        RasterProcessor().process(make_context(source, tmp_path, grid="web"))
    assert refused.value.code == "too_much_work"


def test_a_conversion_has_so_much_processor_time(tmp_path: Path) -> None:
    """Whatever was estimated: the system counts."""
    source = factory.write(upload(tmp_path), factory.pixels("uint8"))
    script = f"""
from pathlib import Path
from backend_django.rasters.child import convert_upload
from backend_django.rasters import convert
convert.ESTIMATE_ERROR = 1e-9
def endless(*arguments):
    while True:
        pass
convert.gdal.translate = endless
convert_upload({{"source": {str(source)!r}, "target": "-", "preview": "-", "parameters": {{}},
                 "limits": {LIMITS}}}, lambda step, fraction: None)
"""
    ended = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert ended.returncode == -signal.SIGXCPU


def test_a_bomb_that_is_let_in_is_stopped_by_the_memory_limit(tmp_path: Path) -> None:
    """The limits of the header are one layer; the process's own are another."""
    source = upload(tmp_path)
    bomb_of_one_tile(source)
    context = make_context(source, tmp_path)
    arguments = {
        "source": str(source),
        "target": str(tmp_path / "out.tif"),
        "preview": str(context.workdir / "preview.webp"),
        "parameters": {},
        "limits": {"uncompressed": 2**60, "block": 2**60, "bands": 10**6, "seconds": 10**9},
    }
    with pytest.raises(ProcessingError) as refused:
        context.run_child(
            "backend_django.rasters.child:convert_upload",
            arguments,
            memory_bytes=700 * 1024**2,
            timeout=60,
        )
    assert refused.value.code == "out_of_memory"
