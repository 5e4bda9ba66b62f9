"""The processor as the engine runs it: child processes, progress, cancel, outputs."""

import os
import subprocess
import sys
import time
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import numpy as np
import pytest
import rasterio
from PIL import Image

from backend_django.processing.processor import Cancelled, Context, InputFile, ProcessingError
from backend_django.rasters.processor import RasterProcessor, download_name
from backend_django.rasters.settings import CHILD_ENVIRONMENT, LIMITS

from . import factory
from .cog_check import check_cog

pytestmark = pytest.mark.slow


class FakeContext(Context):
    """A context that writes down what it is told."""

    reports: list[tuple[float, str, float]]  # seconds, step, fraction


def make_context(
    source: Path, directory: Path, check: Any = None, **parameters: str
) -> FakeContext:
    workdir = directory / "work"
    workdir.mkdir(exist_ok=True)
    reports: list[tuple[float, str, float]] = []
    steps = [""]
    known: dict[str, Any] = {
        "request_id": uuid4(),
        "attempt": 1,
        "name": "a raster",
        "parameters": {"profile": "deflate"} | parameters,
        "inputs": {"file": [InputFile(source, "Møn 2024.tif", source.stat().st_size)]},
        "workdir": workdir,
        "on_step": steps.append,
        "on_progress": lambda fraction: reports.append((time.monotonic(), steps[-1], fraction)),
        "check": check or (lambda: None),
        "memory": RasterProcessor.memory,
    }
    # What else the engine hands to features is of no use here, and must not be missed.
    context = FakeContext(**{f.name: Mock() for f in fields(Context)} | known)
    context.reports = reports
    return context


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    values = np.tile(factory.pixels("uint8", 3, 1000, 1000), (1, 4, 4))
    return factory.write(tmp_path_factory.mktemp("large") / "upload", values)


def test_from_upload_to_result(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "upload", factory.pixels("uint16", 4, 900, 1100))
    processor, context = RasterProcessor(), make_context(source, tmp_path, profile="zstd")
    output = processor.process(context)

    file = output.files["cog"]
    assert file.filename == "Møn 2024.cog.tif"
    assert file.content_type.startswith("image/tiff")
    assert file.path.is_relative_to(context.workdir)
    assert {path.name for path in context.workdir.iterdir()} == {"cog.tif", "preview.webp"}
    with Image.open(output.files["preview"].path) as preview:
        assert preview.size == (480, 393)
    check_cog(file.path)

    request = SimpleNamespace(
        id=context.request_id, kind="rasters", name="a", input_name="b.tif", input_size=5,
        started_at=None, finished_at=None,
    )  # fmt: skip
    result: Any = SimpleNamespace(
        request=request,
        attempt=2,
        data=output.data,
        files={"cog": {"size": 10, "sha256": "00", "filename": "b.cog.tif"}},
    )
    shown = processor.result_serializer(processor.present(result)).data
    assert shown["tiles"] == {
        "url_template": f"/api/v1/rasters/tiles/{request.id}/{{z}}/{{x}}/{{y}}?v=2",
        "minzoom": 0,
        "maxzoom": 14,
    }
    assert shown["download_url"] == f"/api/v1/rasters/download-cog/{request.id}"
    assert (shown["width"], shown["height"], len(shown["bands"])) == (1100, 900, 4)
    assert shown["crs"]["epsg"] == 32632
    assert shown["compression"] == "ZSTD"
    assert shown["validation"]["valid"] is True


def test_the_child_does_not_load_what_it_has_no_use_for() -> None:
    """boto3 takes as long as all the rest together, and is a way to the network."""
    program = "import sys, backend_django.rasters.child; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = done.stdout.split()
    assert "rasterio" in loaded, done.stderr
    assert not {"django", "botocore", "requests", "rio_cogeo"} & set(loaded)


def test_a_refusal_comes_out_of_the_child(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "upload", factory.pixels("uint8"), crs=None)
    with pytest.raises(ProcessingError, match="no coordinate reference system") as refused:
        RasterProcessor().process(make_context(source, tmp_path))
    assert refused.value.code == "no_crs"


@pytest.mark.slow
def test_progress_is_steady_in_little_memory(large: Path, tmp_path: Path) -> None:
    """48 MB of pixels in an address space that has room for GDAL and little else."""
    context = make_context(large, tmp_path)
    target = context.workdir / "cog.tif"
    context.run_child(
        "backend_django.rasters.child:convert_upload",
        {
            "source": str(large),
            "target": str(target),
            "preview": str(context.workdir / "preview.webp"),
            "parameters": {},
            "limits": LIMITS,
        },
        memory_bytes=900 * 1024**2,
        env=CHILD_ENVIRONMENT | {"GDAL_CACHEMAX": "32"},
    )
    check_cog(target)
    fractions = [fraction for _, _, fraction in context.reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(set(fractions)) > 4  # in the second that it takes
    assert max(b - a for a, b in pairwise(fractions)) < 0.4
    steps = list(dict.fromkeys(step for _, step, _ in context.reports))
    assert steps == ["inspect", "measure", "convert", "check", "describe"]


@pytest.mark.slow
def test_cancel_stops_it_at_once(large: Path, tmp_path: Path) -> None:
    cancelled_at: list[float] = []

    def check() -> None:
        if any(step == "convert" and fraction > 0.1 for _, step, fraction in context.reports):
            cancelled_at.append(time.monotonic())
            raise Cancelled

    context = make_context(large, tmp_path, check)
    with pytest.raises(Cancelled):
        RasterProcessor().process(context)
    assert time.monotonic() - cancelled_at[0] < 1


def test_the_sample_is_small_and_converts(tmp_path: Path) -> None:
    sample = RasterProcessor.sample
    assert sample is not None
    assert sample.stat().st_size < 1_000_000
    processor, context = RasterProcessor(), make_context(sample, tmp_path)
    data = processor.process(context).data
    west, south, east, north = data["bounds"]
    assert west < -18.5 < east  # the middle of Iceland
    assert south < 64.9 < north
    with rasterio.open(sample) as dataset:
        assert dataset.count == 4


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("dem.tif", "dem.cog.tif"),
        ("Møn 2024.TIFF", "Møn 2024.cog.tif"),
        ("/etc/passwd", "passwd.cog.tif"),
        (r"C:\maps\a.tif", "a.cog.tif"),
        ("..", "raster.cog.tif"),
        ("", "raster.cog.tif"),
        ('a"b\r\nc.tif', "a_b_c.cog.tif"),
        ("x" * 300 + ".tif", "x" * 100 + ".cog.tif"),
    ],
)
def test_download_name(given: str, made: str) -> None:
    assert download_name(given) == made


def test_nothing_is_imported_when_a_job_runs(tmp_path: Path) -> None:
    """What is, is missing in `preload`: each job would import it anew."""
    source = factory.write(tmp_path / "upload", factory.pixels("uint8", 3))
    arguments = {
        "source": str(source),
        "target": str(tmp_path / "cog.tif"),
        "preview": str(tmp_path / "preview.webp"),
        "parameters": {},
        "limits": LIMITS,
    }
    program = (
        "import os, sys; from backend_django.rasters import child; child.preload();"
        "before = set(sys.modules); threads = len(os.listdir('/proc/self/task'));"
        f"child.convert_upload({arguments!r}, lambda step, fraction: None);"
        "print(threads, *set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | CHILD_ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1"], done.stderr
