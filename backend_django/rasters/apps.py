from backend_django.utils.features import FeatureConfig


class RastersConfig(FeatureConfig):
    """GeoTIFF in, Cloud-Optimized GeoTIFF and map tiles out."""

    name = "backend_django.rasters"
    label = "rasters"
