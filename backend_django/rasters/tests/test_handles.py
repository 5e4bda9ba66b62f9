"""Threads share the open file of a raster, and wait for no slow one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import rasterio

from backend_django.rasters.handles import Handle

from . import factory


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    return factory.write(tmp_path / "i.tif", factory.pixels("uint8", 1, 64, 64))


def open_files(path: Path) -> int:
    links = list(Path("/proc/self/fd").iterdir())
    return sum(link.readlink() == path for link in links if link.is_symlink())


def read(handle: Handle) -> int:
    with handle.borrow() as dataset:
        assert dataset.read().shape == (1, 64, 64)
        return id(dataset)


def test_threads_that_come_in_turn_have_the_same(raster: Path) -> None:
    handle = Handle(raster)
    seen = set()
    for _ in range(5):
        with ThreadPoolExecutor(1) as pool:
            seen.add(pool.submit(read, handle).result())
    assert len(seen) == open_files(raster) == 1


def test_who_would_wait_for_a_slow_one_reads_alone(raster: Path) -> None:
    handle = Handle(raster)
    with ThreadPoolExecutor(1) as pool, handle.borrow() as slow:
        assert pool.submit(read, handle).result(60) != id(slow)
        assert open_files(raster) == 1
    assert read(handle) == id(slow)


def test_a_file_is_closed_when_nobody_needs_it(raster: Path) -> None:
    handle = Handle(raster)
    with handle.borrow() as dataset:
        del handle
        assert dataset.read().any()
    del dataset
    assert open_files(raster) == 0


def test_a_failure_keeps_nobody_waiting(raster: Path) -> None:
    handle = Handle(raster)
    with pytest.raises(IndexError), handle.borrow() as dataset:
        dataset.read(2)
    assert read(handle)
    raster.write_bytes(b"II*\0")
    with pytest.raises(rasterio.errors.RasterioError):
        Handle(raster)
