from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend_django.rasters import convert as conversion
from backend_django.rasters.settings import LIMITS

Convert = Callable[..., tuple[Path, dict[str, Any]]]


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Convert:
    """Convert a file in this process, which is quicker and shows the same pixels."""
    # It limits the whole process, and this one has other tests to run.
    monkeypatch.setattr(conversion, "_limit_file_size", lambda *arguments: None)

    def run(
        source: Path, profile: str = "deflate", **parameters: Any
    ) -> tuple[Path, dict[str, Any]]:
        target = tmp_path / f"{source.stem}.cog.tif"
        arguments = {
            "source": str(source),
            "target": str(target),
            "preview": str(tmp_path / "preview.webp"),
            "parameters": {"profile": profile, **parameters},
            "limits": LIMITS,
        }
        return target, conversion.convert_upload(arguments, lambda step, fraction: None)

    return run
