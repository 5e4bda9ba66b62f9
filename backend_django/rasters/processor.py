"""The raster job as the engine sees it. The work itself is done by child processes."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q

from backend_django.processing.inputs import InputRef
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.pipeline import Pipeline, PipelineOutput, Plan, Step, StepFile
from backend_django.processing.processor import (
    Context,
    Input,
    Output,
    OutputFile,
    Processor,
)
from backend_django.processing.registry import register
from backend_django.utils.messages import Message

from .api.parameters import MosaicParametersSerializer, RasterParametersSerializer
from .api.serializers import RasterResultSerializer
from .links import present_result
from .models import RasterMapCopy
from .settings import CHILD_ENVIRONMENT, INSPECT_SECONDS, LIMITS, MEMORY_BYTES
from .styles import default_style

# Kinds of requests whose result is a raster.
KINDS = ("rasters", "mosaics")
MAP_STEP = "map"
COG_CONTENT_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"


@register
class RasterProcessor(Processor):
    """Turn a GeoTIFF into a Cloud-Optimized GeoTIFF that can be shown on a map."""

    name = "rasters"
    title = "Raster"
    inputs: ClassVar[Mapping[str, Input]] = {
        "file": Input(required=False),
        "raster": Input(required=False, result_of=KINDS, file="cog", label="A raster to make anew"),
    }
    parameters_serializer = RasterParametersSerializer
    result_serializer = RasterResultSerializer
    downloads = ("cog",)
    memory = MEMORY_BYTES
    sample: ClassVar[Path | None] = Path(__file__).parent / "samples" / "iceland.tif"
    sample_name = Message("Iceland, shaded relief")

    def process(self, context: Context) -> Output:
        # No `validate`: the child looks at the upload first, and a second one takes half a second.
        upload = (context.files("file") or context.files("raster"))[0]
        return make_raster(
            context,
            "convert_upload",
            upload.name,
            source=str(upload.path),
            parameters=context.parameters,
        )

    def present(self, result: ProcessingResult) -> dict[str, Any]:
        return present_result(result)


def make_raster(context: Context, target: str, name: str, **arguments: Any) -> Output:
    """Have a child process make a raster, and return it as a result.

    Args:
        target: of the child process.
        name: of what it is made of.
        arguments: of the target, beside those that all have.
    """
    cog, preview = context.workdir / "cog.tif", context.workdir / "preview.webp"
    data = context.run_child(
        f"backend_django.rasters.child:{target}",
        {
            "name": name,
            "target": str(cog),
            "preview": str(preview),
            "limits": LIMITS,
            "inspect_seconds": INSPECT_SECONDS,
            "labels": _known_labels(context),
            **arguments,
        },
        env=CHILD_ENVIRONMENT,
    )
    file = OutputFile(cog, download_name(name), COG_CONTENT_TYPE)
    picture = OutputFile(preview, "preview.webp", "image/webp")
    return Output(data, {"cog": file, "preview": picture})


def _known_labels(context: Context) -> dict[str, tuple[str, str]]:
    """Return names and colours of classes, by value, that rasters have which a job works on."""
    if not (context.files("raster") or context.files("rasters")):
        return {}
    request = ProcessingRequest.objects.only("inputs", "parent").get(id=context.request_id)
    of = Q(request__in=_results_used(file for files in request.inputs.values() for file in files))
    if request.parent_id:
        of |= Q(request__parent=request.parent_id)  # the steps before
    found: dict[str, tuple[str, str]] = {}
    for data in ProcessingResult.objects.filter(of).values_list("data", flat=True):
        band = data["bands"][0]
        for one in band.get("classes") or ():
            if one["name"] or band.get("recoloured"):
                found.setdefault(str(one["value"]), (one["name"], one["colour"]))
    return found


@dataclass
class MapCopyParameters:
    """The facts about a raster, and how to draw it."""

    bounds: list[float]
    maxzoom: int
    style: dict[str, Any]


@register
class MapCopyProcessor(Processor):
    """Draw all tiles of a raster in advance, as its map shows it when nothing else is asked for."""

    name = "map-copies"
    title = "Map copy"
    inputs: ClassVar[Mapping[str, Input]] = {
        "raster": Input(result_of=KINDS, file="cog", label="Raster"),
    }
    Parameters = MapCopyParameters
    memory = MEMORY_BYTES

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
            env=CHILD_ENVIRONMENT,
        )
        file = OutputFile(tiles, "tiles.pmtiles", "application/vnd.pmtiles")
        return Output(data, {"tiles": file})


@dataclass
class MergeParameters:
    """Those of a mosaic, with what its rasters have shown."""

    name: str
    profile: str
    values: str
    crs: str = ""
    resolution: float | None = None


@register
class MergeProcessor(Processor):
    """Make one Cloud-Optimized GeoTIFF of several: the last step of a mosaic."""

    name = "raster-merges"
    title = "Mosaic"
    inputs: ClassVar[Mapping[str, Input]] = {
        "rasters": Input(many=True, result_of=KINDS, file="cog", label="Rasters"),
    }
    Parameters = MergeParameters
    memory = MEMORY_BYTES

    def process(self, context: Context) -> Output:
        given: MergeParameters = context.parameters
        return make_raster(
            context,
            "merge_rasters",
            given.name,
            sources=[
                {"path": str(file.path), "name": file.name} for file in context.files("rasters")
            ],
            crs=given.crs,
            resolution=given.resolution,
            parameters={"profile": given.profile, "values": given.values},
        )


@register
class MosaicPipeline(Pipeline):
    """Make one raster of several: a Cloud-Optimized GeoTIFF of each, then one of all."""

    name = "mosaics"
    title = "Mosaic"
    inputs: ClassVar[Mapping[str, Input]] = {
        "rasters": Input(many=True, result_of=KINDS, file="cog", label="Rasters"),
    }
    parameters_serializer = MosaicParametersSerializer
    result_serializer = RasterResultSerializer
    downloads = ("cog",)

    def steps(self, plan: Plan) -> PipelineOutput:
        converted: list[Step] = []
        rasters: list[InputRef | StepFile] = []
        for number, file in enumerate(plan.files("rasters"), start=1):
            if "request" in file.get("source", {}):  # of an earlier result: it is a COG
                rasters.append(file)
                continue
            options = {name: plan.parameters[name] for name in ("nodata", "values")}
            step = plan.step(
                f"raster-{number}",
                RasterProcessor,
                inputs={"file": file},
                parameters=options,
                name=file["filename"],
            )
            converted.append(step)
            rasters.append(step.file("cog"))
        mosaic = plan.step(
            "mosaic",
            MergeProcessor,
            inputs={"rasters": rasters},
            parameters={name: plan.parameters[name] for name in ("crs", "resolution", "profile")}
            | {"name": plan.request.name, "values": _values(plan, converted)},
        )
        if plan.parameters["map_copy"]:
            known = mosaic.is_completed
            plan.step(
                MAP_STEP,
                MapCopyProcessor,
                inputs={"raster": mosaic.file("cog")},
                parameters=MapCopyProcessor.parameters_for(mosaic.result) if known else {},
            )
        files = {key: mosaic.file(key) for key in ("cog", "preview")}
        return PipelineOutput(mosaic.result, files)

    def on_completed(self, request: ProcessingRequest, result: ProcessingResult) -> None:
        if job := request.steps.filter(step_key=MAP_STEP).first():
            RasterMapCopy.objects.create(raster=request, job=job)

    def present(self, result: ProcessingResult) -> dict[str, Any]:
        return present_result(result)


def _values(plan: Plan, converted: Sequence[Step]) -> str:
    """Return what the values of a mosaic are: as was said, or as all of its rasters have it."""
    said: str = plan.parameters["values"]
    if said != "auto" or not all(step.is_completed for step in converted):
        return said
    results = ProcessingResult.objects.filter(request__in=_results_used(plan.files("rasters")))
    found = {data.get("values", "continuous") for data in results.values_list("data", flat=True)}
    found |= {step.result["values"] for step in converted}
    return str(found.pop()) if len(found) == 1 else "auto"


def _results_used(files: Iterable[InputRef]) -> list[UUID]:
    """Return the requests whose results some inputs are files of."""
    found = (file.get("source", {}).get("request") for file in files)
    return [UUID(request) for request in found if request]


def download_name(input_name: str) -> str:
    """Return what the COG of an upload is called: "Møn 2024.tiff" becomes "Møn 2024.cog.tif"."""
    stem, extension = os.path.splitext(os.path.basename(input_name.replace("\\", "/")))
    if extension.lower() not in {".tif", ".tiff", ".gtiff"}:
        stem += extension
    stem = stem.removesuffix(".cog")  # of a raster that is made anew
    stem = re.sub(r"[^\w .()-]+", "_", stem).strip(" ._")[:100]
    return f"{stem or 'raster'}.cog.tif"
