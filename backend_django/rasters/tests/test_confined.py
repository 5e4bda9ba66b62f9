"""Formats whose files may name others: GDAL would read those, and the process cannot."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio

from backend_django.processing.errors import ProcessingError
from backend_django.rasters.inspection import Limits
from backend_django.rasters.intake import prepare
from backend_django.rasters.options import Options
from backend_django.rasters.processor import RasterProcessor
from backend_django.rasters.settings import LIMITS

from .conftest import Convert
from .test_hostile import SECRET, upload
from .test_processor import make_context

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
SHAPE = (256, 256)
PLACE = {"crs": "EPSG:32632", "corners": "500000,5197440,502560,5200000"}


def write_bands(path: Path, add: Callable[..., Any]) -> None:
    """Write an HDF5 file of a raster and of what `add` puts beside it."""
    with h5py.File(path, "w") as file:
        file["own"] = np.full(SHAPE, 1, np.uint8)
        add(file)


def external_values(file: Any, secret: Path) -> None:
    raw = secret / "raw"
    raw.write_bytes(bytes([SECRET]) * SHAPE[0] * SHAPE[1])
    size = SHAPE[0] * SHAPE[1]
    file.create_dataset("theirs", SHAPE, np.uint8, external=[(str(raw), 0, size)])


def external_link(file: Any, secret: Path) -> None:
    with h5py.File(secret / "other.h5", "w") as other:
        other["data"] = np.full(SHAPE, SECRET, np.uint8)
    file["theirs"] = h5py.ExternalLink(str(secret / "other.h5"), "data")


def virtual_values(file: Any, secret: Path) -> None:
    with h5py.File(secret / "other.h5", "w") as other:
        other["data"] = np.full(SHAPE, SECRET, np.uint8)
    layout = h5py.VirtualLayout(SHAPE, np.uint8)
    layout[:] = h5py.VirtualSource(str(secret / "other.h5"), "data", SHAPE)
    file.create_virtual_dataset("theirs", layout, fillvalue=9)


@pytest.mark.parametrize("add", [external_values, external_link, virtual_values])
def test_hdf5_does_not_show_another_file(add: Callable[[Any, Path], None], tmp_path: Path) -> None:
    secret = tmp_path / "other"
    secret.mkdir()
    source = upload(tmp_path)
    write_bands(source, lambda file: add(file, secret))
    context = make_context(source, tmp_path, layer="theirs", **PLACE)
    try:
        output = RasterProcessor().process(context)
    except ProcessingError:
        return
    with rasterio.open(output.files["cog"].path) as dataset:
        assert SECRET not in dataset.read()


def test_the_attacks_are_real(tmp_path: Path, convert: Convert) -> None:
    """In a process that can open it, GDAL reads the other file: at least in one of the ways."""
    shown = []
    for number, add in enumerate((external_values, external_link, virtual_values)):
        secret = tmp_path / f"other-{number}"
        secret.mkdir()
        source = tmp_path / f"upload-{number}"
        write_bands(source, lambda file, add=add, secret=secret: add(file, secret))
        try:
            target, _ = convert(source, layer="theirs", **PLACE)
        except ProcessingError:
            continue
        with rasterio.open(target) as dataset:
            shown.append(SECRET in dataset.read())
    assert any(shown)


def test_hdf5_is_read_where_it_can_be(tmp_path: Path) -> None:
    source = upload(tmp_path)
    write_bands(source, lambda file: None)
    output = RasterProcessor().process(make_context(source, tmp_path, **PLACE))
    with rasterio.open(output.files["cog"].path) as dataset:
        assert (dataset.read() == 1).all()


@pytest.mark.parametrize("head", [b"\x89HDF\r\n\x1a\n", b"SQLite format 3\0"])
def test_without_confinement_they_are_refused(head: bytes, tmp_path: Path) -> None:
    source = upload(tmp_path)
    source.write_bytes(head.ljust(200, b"\0"))
    with pytest.raises(ProcessingError) as refused:
        prepare(source, "a.h5", Options.from_parameters({}), tmp_path, Limits(**LIMITS))
    assert refused.value.code == "not_a_tiff"


def test_a_geopackage_without_rasters_is_refused_in_words(tmp_path: Path, convert: Convert) -> None:
    with sqlite3.connect(tmp_path / "upload") as database:
        database.execute("PRAGMA application_id = 1196444487")
        database.execute("CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT)")
    with pytest.raises(ProcessingError, match="no raster in it"):
        convert(tmp_path / "upload", name="a.gpkg")
