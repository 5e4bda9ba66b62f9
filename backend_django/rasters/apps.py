from typing import Any

from django.db.models.signals import post_delete

from backend_django.utils.features import FeatureConfig


class RastersConfig(FeatureConfig):
    """GeoTIFF in, Cloud-Optimized GeoTIFF and map tiles out."""

    name = "backend_django.rasters"
    label = "rasters"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 (connects them)

        post_delete.connect(delete_map_job, sender="rasters.RasterMapCopy")


def delete_map_job(instance: Any, **_: Any) -> None:
    """The raster is gone: so is the request that draws its tiles, with its files."""
    from backend_django.processing.models import ProcessingRequest

    ProcessingRequest.objects.filter(id=instance.job_id).delete()
