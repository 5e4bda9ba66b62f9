"""The map copy holds every tile there is, and each is the very tile that would be drawn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from django.core.files import File
from django.core.files.storage import default_storage
from django.test import Client
from pmtiles.reader import MmapSource, Reader

from backend_django.processing.errors import ProcessingError
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.runner import run_this
from backend_django.rasters import archive, tiles
from backend_django.rasters.models import RasterMapCopy
from backend_django.rasters.processor import MapCopyProcessor
from backend_django.rasters.styles import default_style
from backend_django.rasters.tile_grid import tile_range
from backend_django.users.models import User
from tests.matrix import thin

from . import factory
from .conftest import Convert, Store
from .test_tiles import CASES

pytestmark = pytest.mark.slow


def write(source: Path, target: Path, facts: dict[str, Any]) -> archive.Archive:
    arguments = {"source": str(source), "target": str(target)}
    arguments |= MapCopyProcessor.parameters_for(facts)
    told: list[float] = []
    done = archive.write_archive(arguments, lambda step, fraction: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert done["tiles"] > 0
    return archive.open_archive(target)


def test_a_map_copy_that_hangs_ends(
    tmp_path: Path, converted: Convert, cpu_limits: list[float]
) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", factory.pixels("uint8")))
    cpu_limits.clear()
    write(path, tmp_path / "tiles.pmtiles", facts)
    assert len(cpu_limits) == 1
    assert 30 < cpu_limits[0] < 300


@pytest.mark.parametrize(
    "name",
    thin(["RGB", "mask", "float, NaN", "palette", "rotated", "around the pole", "1 × 1"], every=3),
)
def test_every_tile_is_the_one_that_would_be_drawn(
    name: str, tmp_path: Path, converted: Convert
) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", **CASES[name]()))
    facts["maxzoom"] = min(facts["maxzoom"], 13 if name == "1 × 1" else 12)
    copy = write(path, tmp_path / "tiles.pmtiles", facts)
    style = default_style(facts["bands"])
    seen = 0
    for zoom in range(facts["maxzoom"] + 1):
        columns, rows = tile_range(facts["bounds"], zoom)
        for x in range(max(0, columns[0] - 1), min(2**zoom, columns[-1] + 2)):
            for y in range(max(0, rows[0] - 1), min(2**zoom, rows[-1] + 2)):
                drawn = tiles.render_tile(path, zoom, x, y, style)
                assert copy.tile(zoom, x, y) == (drawn.content if drawn else None), (zoom, x, y)
                seen += drawn is not None
    assert seen >= (1 if name == "1 × 1" else 10)
    with (tmp_path / "tiles.pmtiles").open("rb") as file:  # as other programs read it
        header = Reader(MmapSource(file)).header()
    assert header["max_zoom"] == facts["maxzoom"]


def test_both_sides_of_the_antimeridian(tmp_path: Path, converted: Convert) -> None:
    place: dict[str, Any] = {"crs": "EPSG:4326", "transform": Affine(0.05, 0, 170, 0, -0.05, 10)}
    values = factory.pixels("uint8", 1, 400, 400)
    path, facts = converted(factory.write(tmp_path / "i.tif", values, **place))
    copy = write(path, tmp_path / "tiles.pmtiles", facts)
    assert copy.tile(5, 0, 15)
    assert copy.tile(5, 31, 15)
    assert copy.tile(5, 16, 15) is None


def test_leaf_directories_are_read(tmp_path: Path) -> None:
    from pmtiles.tile import Compression, TileType, zxy_to_tileid
    from pmtiles.writer import Writer

    rng = np.random.default_rng(1)
    path = tmp_path / "many.pmtiles"
    places = sorted((zxy_to_tileid(8, x, y), x, y) for x in range(0, 256, 2) for y in range(256))
    with path.open("wb") as file:
        writer = Writer(file)
        for tile_id, x, y in places:
            writer.write_tile(tile_id, b"%d/%d" % (x, y) + bytes(int(rng.integers(1, 9000)) % 7))
        writer.finalize({"tile_type": TileType.UNKNOWN, "tile_compression": Compression.NONE,
                         **archive._place([0, 0, 1, 1])}, {})  # fmt: skip
    found = archive.open_archive(path)
    for _, x, y in places[::97]:
        assert (found.tile(8, x, y) or b"").rstrip(b"\0") == b"%d/%d" % (x, y)
        assert found.tile(8, x + 1, y) is None


def test_a_raster_that_is_too_large_is_refused_in_words(tmp_path: Path) -> None:
    bands = [{"index": 1, "dtype": "uint8", "color_interpretation": "gray"}]
    arguments = {"source": "/none", "target": str(tmp_path / "t")}
    facts = {"bands": bands, "bounds": [0, 0, 40, 40], "maxzoom": 14}
    arguments |= MapCopyProcessor.parameters_for(facts)
    with pytest.raises(ProcessingError, match="too large") as refused:
        archive.write_archive(arguments, lambda step, fraction: None)
    assert refused.value.code == "too_many_tiles"


def test_tiles_come_from_the_copy_unless_another_style_is_asked_for(
    client: Client, user: User, store: Store, tmp_path: Path
) -> None:
    request = store()
    result = request.result
    job = ProcessingRequest.objects.create(
        kind="map-copies", name="m", owner=user, input_file="y", input_name="r", input_size=1,
        status="completed", finished_at=request.finished_at,
    )  # fmt: skip
    copy = tmp_path / "tiles.pmtiles"
    write(result.open_path("cog"), copy, result.data)
    with copy.open("rb") as content:
        name = default_storage.save(f"requests/{job.id}/1/tiles", File(content))
    ProcessingResult.objects.create(
        request=job, attempt=1, data={"tiles": 1}, files={"tiles": {"name": name, "size": 1}}
    )
    RasterMapCopy.objects.create(raster=request, job=job)
    result.open_path("cog").unlink()  # nothing can be drawn any more
    client.force_login(user)
    west, south, east, north = result.data["bounds"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, 14)
    address = f"/api/v1/rasters/tiles/{request.id}/{z}/{x}/{y}"
    assert client.get(address).content == archive.open_archive(copy).tile(z, x, y)
    assert client.get(f"{address}?bands=1").status_code == 404
    state = client.get(f"/api/v1/rasters/map-copy/{request.id}/").json()
    assert (state["status"], state["tiles"], state["size"]) == ("completed", 1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_copy_goes_with_the_raster(client: Client, user: User, store: Store) -> None:
    request = store()
    client.force_login(user)
    address = f"/api/v1/rasters/map-copy/{request.id}/"
    assert client.get(address).json()["status"] == "none"
    assert client.post(address).status_code == 202
    assert client.post(address).json()["status"] == "pending"
    job = RasterMapCopy.objects.get().job
    assert ProcessingRequest.objects.filter(kind="map-copies").count() == 1
    assert job.inputs["raster"][0]["source"] == {"request": str(request.id), "file": "cog"}
    assert run_this(job.id)
    done = client.get(address).json()
    assert (done["status"], done["tiles"] > 0) == ("completed", True), done
    assert client.delete(address).status_code == 204
    assert not ProcessingRequest.objects.filter(id=job.id).exists()
    client.post(address)
    assert client.delete(f"/api/v1/rasters/delete/{request.id}/").status_code == 204
    assert not ProcessingRequest.objects.exists()
