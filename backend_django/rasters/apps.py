from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from backend_django.utils.features import FeatureConfig


class RastersConfig(FeatureConfig):
    """GeoTIFF in, Cloud-Optimized GeoTIFF and map tiles out."""

    name = "backend_django.rasters"
    label = "rasters"

    def ready(self) -> None:
        post_save.connect(draw_in_advance, sender="processing.ProcessingResult")
        post_delete.connect(delete_map_job, sender="rasters.RasterMapCopy")


def draw_in_advance(instance: Any, created: bool, **_: Any) -> None:
    """The result of a raster is there: begin its map copy when that was asked for."""
    request = instance.request
    if created and request.kind == "rasters" and request.parameters.get("map_copy"):
        from .services import map_copy_create

        transaction.on_commit(lambda: map_copy_create(request=request), robust=True)


def delete_map_job(instance: Any, **_: Any) -> None:
    """The raster is gone: so is the request that draws its tiles, with its files."""
    from backend_django.processing.models import ProcessingRequest

    ProcessingRequest.objects.filter(id=instance.job_id).delete()
