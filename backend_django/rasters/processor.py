"""The raster job as the engine sees it. The work itself is done by child processes."""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from backend_django.processing.models import ProcessingResult
from backend_django.processing.processor import (
    Context,
    Input,
    Output,
    OutputFile,
    Processor,
)
from backend_django.processing.registry import register

from .api.parameters import RasterParametersSerializer
from .api.serializers import RasterResultSerializer
from .links import present_result
from .settings import CHILD_ENVIRONMENT, INSPECT_SECONDS, LIMITS, MEMORY_BYTES
from .styles import default_style

COG_CONTENT_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"


@register
class RasterProcessor(Processor):
    """Turn a GeoTIFF into a Cloud-Optimized GeoTIFF that can be shown on a map."""

    name = "rasters"
    title = "Raster"
    inputs: ClassVar[Mapping[str, Input]] = {
        "file": Input(required=False),
        "raster": Input(
            required=False, result_of="rasters", file="cog", label="A raster to make anew"
        ),
    }
    parameters_serializer = RasterParametersSerializer
    result_serializer = RasterResultSerializer
    downloads = ("cog",)
    sample: ClassVar[Path | None] = Path(__file__).parent / "samples" / "iceland.tif"
    sample_name = "Iceland, shaded relief"

    def process(self, context: Context) -> Output:
        # No `validate`: the child looks at the upload first, and a second one takes half a second.
        upload = (context.files("file") or context.files("raster"))[0]
        cog, preview = context.workdir / "cog.tif", context.workdir / "preview.webp"
        data = context.run_child(
            "backend_django.rasters.child:convert_upload",
            {
                "source": str(upload.path),
                "name": upload.name,
                "target": str(cog),
                "preview": str(preview),
                "parameters": context.parameters,
                "limits": LIMITS,
                "inspect_seconds": INSPECT_SECONDS,
            },
            memory_bytes=MEMORY_BYTES,
            env=CHILD_ENVIRONMENT | {"CPL_TMPDIR": str(context.workdir)},
        )
        file = OutputFile(cog, download_name(upload.name), COG_CONTENT_TYPE)
        picture = OutputFile(preview, "preview.webp", "image/webp")
        return Output(data, {"cog": file, "preview": picture})

    def present(self, result: ProcessingResult) -> dict[str, Any]:
        return present_result(result)


@dataclass
class MapCopyParameters:
    """What is known of a raster, and how it is drawn."""

    bounds: list[float]
    maxzoom: int
    style: dict[str, Any]


@register
class MapCopyProcessor(Processor):
    """Draw all tiles of a raster in advance, as its map shows it when nothing else is asked for."""

    name = "map-copies"
    title = "Map copy"
    inputs: ClassVar[Mapping[str, Input]] = {
        "raster": Input(result_of="rasters", file="cog", label="Raster"),
    }
    Parameters = MapCopyParameters

    @classmethod
    def parameters_for(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of the map copy of a raster with these data of a result."""
        style = asdict(default_style(data["bands"]))
        return {"bounds": data["bounds"], "maxzoom": data["maxzoom"], "style": style}

    def process(self, context: Context) -> Output:
        tiles = context.workdir / "tiles.pmtiles"
        data = context.run_child(
            "backend_django.rasters.child:write_archive",
            {
                "source": str(context.file("raster").path),
                "target": str(tiles),
                **asdict(context.parameters),
            },
            memory_bytes=MEMORY_BYTES,
            env=CHILD_ENVIRONMENT | {"TMPDIR": str(context.workdir)},
        )
        file = OutputFile(tiles, "tiles.pmtiles", "application/vnd.pmtiles")
        return Output(data, {"tiles": file})


def download_name(input_name: str) -> str:
    """Return what the COG of an upload is called: "Møn 2024.tiff" becomes "Møn 2024.cog.tif"."""
    stem, extension = os.path.splitext(os.path.basename(input_name.replace("\\", "/")))
    if extension.lower() not in {".tif", ".tiff", ".gtiff"}:
        stem += extension
    stem = stem.removesuffix(".cog")  # of a raster that is made anew
    stem = re.sub(r"[^\w .()-]+", "_", stem).strip(" ._")[:100]
    return f"{stem or 'raster'}.cog.tif"
