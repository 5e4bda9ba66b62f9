"""What `make bench` measures of the raster feature; the core finds it here."""

from benchmarks import tools
from benchmarks.product import Product
from benchmarks.rasters import conversion, serving

PARTS = {"conversion": conversion.measure, "tiles": serving.measure}


def measure_quickly(product: Product) -> dict[str, float]:
    """Return what `make bench-quick` watches."""
    worker = product.worker(1)
    with product.stack.client() as api:
        found = conversion.measure_quickly(product, api, worker)
        found |= serving.measure_quickly(product, api)
    product.stack.stop("worker")
    return found


def check() -> None:
    """Raise ToolError when one of those we compare with is missing."""
    if not conversion.RIO.exists():
        raise tools.ToolError("rio is missing: it comes with requirements/rasters/local.txt")
    tools.has("titiler.application")
