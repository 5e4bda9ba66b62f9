"""What `make bench` measures of the raster feature; the core finds it here."""

from benchmarks import tools
from benchmarks.rasters import conversion, serving

measure_quickly = conversion.measure_quickly
PARTS = {"conversion": conversion.measure, "tiles": serving.measure}


def check() -> None:
    """Raise ToolError when one of those we compare with is missing."""
    if not conversion.RIO.exists():
        raise tools.ToolError("rio is missing: it comes with requirements/rasters/local.txt")
    tools.has("titiler.application", "uvicorn")
