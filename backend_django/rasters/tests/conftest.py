import hashlib
import shutil
import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.rasters import convert as conversion
from backend_django.rasters import process_limits
from backend_django.rasters.api import tiles as tile_views
from backend_django.rasters.settings import LIMITS
from backend_django.users.models import User

from . import factory

Convert = Callable[..., tuple[Path, dict[str, Any]]]
Store = Callable[..., ProcessingRequest]


@pytest.fixture(autouse=True)
def cpu_limits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What child processes would limit themselves to: this one has other tests to run."""
    limits: list[float] = []
    monkeypatch.setattr(process_limits, "limit_cpu", limits.append)
    return limits


@pytest.fixture(autouse=True)
def file_limits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The same of the sizes of files, in bytes of pixels."""
    limits: list[int] = []
    monkeypatch.setattr(process_limits, "limit_files", lambda size, growth=2: limits.append(size))
    return limits


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Convert:
    """Convert a file in this process, which is quicker and shows the same pixels."""

    def run(
        source: Path, profile: str = "deflate", *, name: str = "", **parameters: Any
    ) -> tuple[Path, dict[str, Any]]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))  # as each attempt has one
        target = folder / f"{source.stem}.cog.tif"
        arguments = {
            "source": str(source),
            "name": name or source.name,
            "target": str(target),
            "preview": str(tmp_path / "preview.webp"),
            "parameters": {"profile": profile, **parameters},
            "limits": LIMITS,
            "confined": True,  # as far as formats are concerned
        }
        return target, conversion.convert_upload(arguments, lambda step, fraction: None)

    return run


@pytest.fixture(scope="session")
def converted_before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    """What `converted` has made in this session, by the upload and the parameters."""
    return {"": (tmp_path_factory.mktemp("converted"), None)}


@pytest.fixture
def converted(
    convert: Convert, converted_before: dict[str, tuple[Path, Any]], tmp_path: Path
) -> Convert:
    """As `convert`, but the same file is converted once a session: for tests of what comes after.

    What is returned is the test's own to change.
    """

    def run(source: Path, profile: str = "deflate", **parameters: Any) -> Any:
        asked = f"{profile} {sorted(parameters.items())}".encode()
        key = hashlib.sha256(asked + source.read_bytes()).hexdigest()
        if key not in converted_before:
            target, data = convert(source, profile, **parameters)
            kept = converted_before[""][0] / key
            kept.mkdir()
            shutil.copy(target, kept / "cog.tif")
            shutil.copy(tmp_path / "preview.webp", kept)
            converted_before[key] = kept, data
        kept, data = converted_before[key]
        shutil.copy(kept / "preview.webp", tmp_path)
        return shutil.copy(kept / "cog.tif", tmp_path / f"{source.stem}.cog.tif"), deepcopy(data)

    return run


@pytest.fixture
def store(user: User, tmp_path: Path, converted: Convert) -> Store:
    """Convert pixels and store the result as a completed request of `user`, in attempt 2."""
    tile_views._known.clear()

    def run(values: Any = None, **case: Any) -> ProcessingRequest:
        values = factory.pixels("uint8", 3) if values is None else values
        path, data = converted(factory.write(tmp_path / "i.tif", values, **case))
        request = ProcessingRequest.objects.create(
            kind="rasters", name="a <raster> & more", owner=user, input_file="x",
            input_name="i.tif", input_size=1, status="completed", attempt=2,
            started_at=timezone.now(), finished_at=timezone.now(),
        )  # fmt: skip
        files = {}
        for key, file in {"cog": path, "preview": tmp_path / "preview.webp"}.items():
            with file.open("rb") as content:
                name = default_storage.save(f"requests/{request.id}/2/{key}", File(content))
            files[key] = {
                "name": name, "filename": f"i.{key}", "size": file.stat().st_size,
                "content_type": "image/tiff", "sha256": "00",
            }  # fmt: skip
        ProcessingResult.objects.create(request=request, attempt=2, data=data, files=files)
        return request

    return run
