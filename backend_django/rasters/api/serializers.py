"""The raster feature on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

PROFILES = {
    "deflate": "lossless, read by every program",
    "zstd": "lossless, faster, needs GDAL 2.3 or newer",
    "webp": "lossy, for 8-bit RGB images",
    "jpeg": "lossy, for 8-bit grey or RGB images",
}


class RasterParametersSerializer(serializers.Serializer[Any]):
    """How a raster is to be stored."""

    profile = serializers.ChoiceField(
        choices=list(PROFILES.items()),
        default="deflate",
        help_text="Compression of the result.",
    )


class RasterCrsSerializer(serializers.Serializer[Any]):
    epsg = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    wkt = serializers.CharField()


class RasterHistogramSerializer(serializers.Serializer[Any]):
    counts = serializers.ListField(
        child=serializers.IntegerField(), help_text="Of 64 classes of equal width."
    )
    edges = serializers.ListField(
        child=serializers.FloatField(), help_text="Lower edge of the first, upper of the last."
    )


class RasterBandSerializer(serializers.Serializer[Any]):
    """A band and its valid values, as seen on an overview of at most 1024 pixels a side."""

    index = serializers.IntegerField()
    dtype = serializers.CharField()
    color_interpretation = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    unit = serializers.CharField(allow_blank=True)
    scale = serializers.FloatField(help_text="Physical value = stored value × scale + offset.")
    offset = serializers.FloatField()
    minimum = serializers.FloatField(allow_null=True, help_text="Null when no value is valid.")
    maximum = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True)
    std = serializers.FloatField(allow_null=True)
    percentile_2 = serializers.FloatField(allow_null=True)
    percentile_98 = serializers.FloatField(allow_null=True)
    histogram = RasterHistogramSerializer(allow_null=True)


class RasterValidationSerializer(serializers.Serializer[Any]):
    """The verdict of rio-cogeo's strict validation."""

    valid = serializers.BooleanField()
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    warnings = serializers.ListField(child=serializers.CharField())


class RasterTilesSerializer(serializers.Serializer[Any]):
    """256-pixel tiles in Web Mercator; transparent outside the raster."""

    url_template = serializers.CharField(help_text="With {z}, {x} and {y}.")
    minzoom = serializers.IntegerField()
    maxzoom = serializers.IntegerField(help_text="Beyond it the pixels only get larger.")


@extend_schema_field(
    {
        "oneOf": [{"type": "number"}, {"type": "string", "enum": ["nan", "inf", "-inf"]}],
        "nullable": True,
    }
)
class NodataField(serializers.JSONField):
    """A number, or the name of one that JSON does not have."""


class RasterResultSerializer(serializers.Serializer[Any]):
    """A Cloud-Optimized GeoTIFF and what is known of it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    input_name = serializers.CharField()
    input_size = serializers.IntegerField(help_text="Bytes.")
    output_size = serializers.IntegerField(help_text="Bytes.")
    width = serializers.IntegerField(help_text="Pixels.")
    height = serializers.IntegerField(help_text="Pixels.")
    dtype = serializers.CharField()
    crs = RasterCrsSerializer()
    bounds = serializers.ListField(
        child=serializers.FloatField(),
        min_length=4,
        max_length=4,
        help_text="West, south, east, north in degrees. East is beyond 180 when the raster "
        "crosses the antimeridian.",
    )
    nodata = NodataField(allow_null=True, help_text="Null when there is none.")
    overviews = serializers.ListField(child=serializers.IntegerField())
    block_size = serializers.ListField(
        child=serializers.IntegerField(), help_text="Height and width of a block in pixels."
    )
    compression = serializers.CharField()
    profile = serializers.ChoiceField(choices=list(PROFILES))
    bands = RasterBandSerializer(many=True)
    validation = RasterValidationSerializer()
    tiles = RasterTilesSerializer()
    download_url = serializers.CharField()
    sha256 = serializers.CharField()
