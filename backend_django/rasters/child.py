"""The code that the feature's child processes run: import it there, and nowhere else."""

import sys

# rasterio loads it for S3 when it finds it, which takes as long as everything else together. An
# upload is a file by now, and its process is to reach no network.
sys.modules["boto3"] = None  # type: ignore[assignment]

from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from backend_django.processing.confinement import confine  # noqa: E402

from . import archive, convert, mosaic  # noqa: E402


def preload() -> None:
    """Import what the first job would import late: in the process that children are forked from."""
    import numpy.ma  # noqa: F401 (np.unique)
    import PIL.Image
    import rio_cogeo.cogeo  # noqa: F401

    PIL.Image.init()  # which saving a picture begins with


__all__ = ["convert_upload", "merge_rasters", "write_archive"]

Target = Callable[[dict[str, Any], Callable[[str | None, float], None]], Any]


def confined(target: Target) -> Target:
    """Let a target see its sources and its work directory, and no other file of this machine.

    It is told whether that was possible: some formats are read nowhere else.
    """

    def run(arguments: dict[str, Any], report: Callable[[str | None, float], None]) -> Any:
        sources = [one["path"] for one in arguments.get("sources", ())]
        sources += [arguments["source"]] if "source" in arguments else []
        done = confine(read=map(Path, sources), write=[Path(arguments["target"]).parent])
        return target(arguments | {"confined": done}, report)

    return run


convert_upload = confined(convert.convert_upload)
merge_rasters = confined(mosaic.merge_rasters)
write_archive = confined(archive.write_archive)
