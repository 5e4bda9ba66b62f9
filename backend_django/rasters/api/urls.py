"""/api/v1/rasters/: the engine's endpoints and the tiles."""

from uuid import UUID

from django.urls import re_path, reverse

from backend_django.processing.api.urls import ID, processing_urls

from ..processor import RasterProcessor
from .views import tile

urlpatterns = [
    *processing_urls(RasterProcessor),
    re_path(
        rf"^tiles/{ID}/(?P<z>\d{{1,2}})/(?P<x>\d{{1,8}})/(?P<y>\d{{1,8}})/?$",
        tile,
        name="raster-tile",
    ),
]


def tile_url_template(request_id: UUID, attempt: int) -> str:
    """Return the address of the tiles with {z}, {x} and {y}; `v` makes it good for ever."""
    return _address(request_id).removesuffix("0/0/0") + "{z}/{x}/{y}?v=" + str(attempt)


def download_url(request_id: UUID) -> str:
    """Return the address of the COG."""
    return _address(request_id).split("/tiles/")[0] + f"/download-cog/{request_id}/"


def _address(request_id: UUID) -> str:
    return reverse("raster-tile", kwargs={"id": str(request_id), "z": 0, "x": 0, "y": 0})
