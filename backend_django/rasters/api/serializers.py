"""The raster feature on the wire."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backend_django.api.strict import check_number

from ..expressions import MAX_LENGTH
from ..models import RasterShare
from ..options import MAX_CLASSES, PROFILES


@extend_schema_field({"type": "string", "pattern": r"^[^\u0000]{2,100}$"})
class CrsSearchField(serializers.CharField):
    """Two to a hundred characters."""


class CrsQuery(serializers.Serializer[Any]):
    q = CrsSearchField(
        min_length=2, max_length=100, help_text="Words of its name or area, or its number."
    )


class CrsSerializer(serializers.Serializer[Any]):
    """A coordinate reference system."""

    code = serializers.CharField(help_text="As “EPSG:32632”.")
    name = serializers.CharField()
    area = serializers.CharField(allow_blank=True, help_text="Where it is used.")


class RasterCrsSerializer(serializers.Serializer[Any]):
    epsg = serializers.IntegerField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    wkt = serializers.CharField()
    accuracy = serializers.FloatField(
        allow_null=True,
        help_text="Metres by which places on the map may be off, because the server lacks a grid "
        "for this datum; null where it is not known to lack one.",
    )
    missing_grid = serializers.CharField(
        allow_blank=True, help_text="That grid, by its name at cdn.proj.org."
    )


class RasterHistogramSerializer(serializers.Serializer[Any]):
    counts = serializers.ListField(
        child=serializers.IntegerField(), help_text="Of at most 64 bins of equal width."
    )
    edges = serializers.ListField(
        child=serializers.FloatField(), help_text="Lower edge of the first, upper of the last."
    )


@extend_schema_field(
    {
        "oneOf": [
            {"type": "number"},
            {"type": "string", "pattern": "^(nan|-?inf|-?[0-9]{16,20})$"},
        ],
        "nullable": True,
    }
)
class NodataField(serializers.JSONField):
    """A number, or as text one that JSON does not have or JavaScript would round."""


class RasterClassSerializer(serializers.Serializer[Any]):
    """One of the values of a band whose values are classes."""

    value = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)
    colour = serializers.CharField(help_text="RRGGBB.")
    count = serializers.IntegerField(help_text="Pixels.")
    area = serializers.FloatField(help_text="Square metres on the ellipsoid.")


class RasterBandSerializer(serializers.Serializer[Any]):
    """A band and its valid values, each of which was counted.

    Results of early releases are of an overview of at most 1024 pixels a side.
    """

    index = serializers.IntegerField()
    dtype = serializers.CharField()
    color_interpretation = serializers.CharField(allow_blank=True)
    common_name = serializers.CharField(
        allow_blank=True, help_text="What it is, in STAC's words: red, green, blue, nir, …"
    )
    description = serializers.CharField(allow_blank=True)
    unit = serializers.CharField(allow_blank=True)
    scale = serializers.FloatField(help_text="Physical value = stored value × scale + offset.")
    offset = serializers.FloatField()
    minimum = serializers.FloatField(
        allow_null=True,
        help_text="Null when no value is valid. Beyond 2^53 the STAC item has more digits.",
    )
    maximum = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True)
    std = serializers.FloatField(allow_null=True)
    valid_count = serializers.IntegerField(
        allow_null=True, help_text="Pixels. Null for results of early releases."
    )
    percentile_2 = serializers.FloatField(
        allow_null=True, help_text="Of a sample, where there are very many pixels of many values."
    )
    percentile_98 = serializers.FloatField(allow_null=True)
    histogram = RasterHistogramSerializer(allow_null=True)
    classes = RasterClassSerializer(
        many=True, allow_null=True, help_text="Null where the values are no classes."
    )


class RasterValidationSerializer(serializers.Serializer[Any]):
    """The verdict of rio-cogeo's strict validation."""

    valid = serializers.BooleanField()
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    warnings = serializers.ListField(child=serializers.CharField())


class RasterLinksSerializer(serializers.Serializer[Any]):
    """Paths of what belongs to the raster, with the rights of whoever asked."""

    download_cog = serializers.CharField()
    preview = serializers.CharField(help_text="A WebP picture of at most 480 pixels a side.")
    tilejson = serializers.CharField()
    wmts = serializers.CharField(help_text="Capabilities, for desktop programs.")
    stac = serializers.CharField()
    point = serializers.CharField()
    profile = serializers.CharField()
    statistics = serializers.CharField(help_text="Of what tiles compute.")


class RasterTilesSerializer(serializers.Serializer[Any]):
    """256-pixel tiles in Web Mercator; 204 where the raster has no pixel."""

    url_template = serializers.CharField(
        help_text="With {z}, {x} and {y}. Takes the further parameters bands, rescale, colormap, "
        "expression (as “(b4-b3)/(b4+b3)”) and algorithm (hillshade or slope); format=numbers "
        "instead of rescale and colormap gives the values, gzipped: eight letters such as "
        "“uint16 3”, type and number of bands; each band's 65,536 numbers, the lowest byte "
        "first; 65,536 bytes of opacity unless all are opaque."
    )
    minzoom = serializers.IntegerField()
    maxzoom = serializers.IntegerField(help_text="Beyond it the pixels only get larger.")


class RasterStyleSerializer(serializers.Serializer[Any]):
    """The default appearance of tiles."""

    bands = serializers.ListField(
        child=serializers.IntegerField(), help_text="One, or red, green and blue."
    )
    ranges = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        help_text="Per band, the values of the first and last colour. Empty: 0 to 255, or classes.",
    )
    colormap = serializers.CharField(
        allow_blank=True,
        help_text="Of a single band; empty is grey, “classes” the colours of its classes.",
    )


@extend_schema_field(
    {
        "type": "object",
        "required": ["type", "coordinates"],
        "properties": {
            "type": {"type": "string", "enum": ["Polygon", "MultiPolygon"]},
            "coordinates": {"type": "array", "items": {}},
        },
        "nullable": True,
    }
)
class FootprintField(serializers.JSONField):
    """A GeoJSON geometry around the valid pixels."""


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
    values = serializers.ChoiceField(
        choices=["classes", "continuous"], help_text="What the values are, as found or as told."
    )
    crs = RasterCrsSerializer()
    bounds = serializers.ListField(
        child=serializers.FloatField(),
        min_length=4,
        max_length=4,
        help_text="West, south, east, north in degrees. East is beyond 180 when the raster "
        "crosses the antimeridian.",
    )
    transform = serializers.ListField(
        child=serializers.FloatField(),
        min_length=6,
        max_length=6,
        allow_null=True,
        help_text="a, b, c, d, e, f of x = a × column + b × row + c, y = d × column + e × row + f; "
        "null where ground control points say it.",
    )
    acquired_at = serializers.DateTimeField(
        allow_null=True, help_text="When the pixels were taken, as the file or its owner says."
    )
    footprint = FootprintField(allow_null=True, help_text="Null for results of early releases.")
    nodata = NodataField(allow_null=True, help_text="Null when there is none.")
    overviews = serializers.ListField(child=serializers.IntegerField())
    block_size = serializers.ListField(
        child=serializers.IntegerField(), help_text="Height and width of a block in pixels."
    )
    compression = serializers.CharField()
    profile = serializers.ChoiceField(choices=list(PROFILES.items()))
    kept = serializers.BooleanField(
        help_text="Whether the upload was a good COG already and its bytes were kept."
    )
    converted_because = serializers.CharField(
        allow_blank=True, help_text="Why it was written anew, as the end of a sentence."
    )
    bands = RasterBandSerializer(many=True)
    validation = RasterValidationSerializer()
    tiles = RasterTilesSerializer()
    style = RasterStyleSerializer()  # type: ignore[assignment]
    colormaps = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Those that tiles know, by name: colours at equal distances, as RRGGBB.",
    )
    links = RasterLinksSerializer()
    download_url = serializers.CharField()
    seconds = serializers.FloatField(
        allow_null=True, help_text="From the start of the work to its end."
    )
    sha256 = serializers.CharField()


class ClassLabelSerializer(serializers.Serializer[Any]):
    """The name and colour of a class of a band."""

    value = serializers.IntegerField()
    name = serializers.CharField(max_length=200, allow_blank=True)
    colour = serializers.RegexField("^[0-9a-f]{6}$", help_text="RRGGBB.")


class DescriptionSerializer(serializers.Serializer[Any]):
    """The owner's knowledge about a raster. All is optional; what is left out stays as it is."""

    acquired_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When the pixels were taken; null: not known."
    )
    band = serializers.IntegerField(default=1, min_value=1, help_text="Whose classes they are.")
    classes = ClassLabelSerializer(  # type: ignore[call-arg]
        many=True, required=False, max_length=MAX_CLASSES, help_text="Those to change."
    )

    @property
    def changes(self) -> dict[str, Any]:
        """Arguments for `raster_describe`."""
        found = dict(self.validated_data)
        if taken := found.get("acquired_at"):
            found["acquired_at"] = taken.isoformat()
        return found


class PreviewQuery(serializers.Serializer[Any]):
    v = serializers.IntegerField(
        required=False, help_text="Version of the result: with it, the picture may be kept."
    )


class WmtsQuery(serializers.Serializer[Any]):
    """The parameters that programs add to the URL of any map service. Each has one valid value."""

    SERVICE = serializers.CharField(required=False, help_text="Not read; QGIS says WMS.")
    REQUEST = serializers.CharField(required=False, help_text="Not read.")
    VERSION = serializers.CharField(required=False, help_text="Not read.")


class PointSerializer(serializers.Serializer[Any]):
    """A place in degrees."""

    longitude = serializers.FloatField(min_value=-720, max_value=720)
    latitude = serializers.FloatField(min_value=-90, max_value=90)


class PointValuesSerializer(serializers.Serializer[Any]):
    longitude = serializers.FloatField()
    latitude = serializers.FloatField()
    values = serializers.ListField(
        child=NodataField(allow_null=True),
        help_text="As stored, by band; null where a band has no value.",
    )


class ProfileSerializer(serializers.Serializer[Any]):
    """A line across a raster."""

    line = serializers.CharField(
        max_length=5000,
        help_text="Two to 100 places as “longitude,latitude”, with semicolons between.",
    )
    band = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    samples = serializers.IntegerField(min_value=2, max_value=1000, default=256)

    def validate_line(self, text: str) -> list[tuple[float, float]]:
        """Return the places, by longitude and latitude."""
        places = []
        for part in text.split(";"):
            longitude, _, latitude = part.partition(",")
            given = {"longitude": longitude, "latitude": latitude}
            place = PointSerializer(data=given)
            odd = any(check_number(place.fields[name], value) for name, value in given.items())
            if odd or not place.is_valid():
                raise serializers.ValidationError(
                    gettext(
                        "Must be places as “longitude,latitude” in degrees, with semicolons "
                        "between."
                    )
                )
            places.append((place.validated_data["longitude"], place.validated_data["latitude"]))
        if not 2 <= len(places) <= 100:
            raise serializers.ValidationError(gettext("Must have two to 100 places."))
        return places


class ProfileValuesSerializer(serializers.Serializer[Any]):
    """Values at equal distances along the line. Long lines are read from an overview."""

    band = serializers.IntegerField()
    length = serializers.FloatField(help_text="Metres along the ellipsoid.")
    values = serializers.ListField(
        child=NodataField(allow_null=True), help_text="As stored; null where there is none."
    )


class StatisticsQuery(serializers.Serializer[Any]):
    """An expression or an algorithm to compute, as tiles take it."""

    expression = serializers.CharField(
        required=False, max_length=MAX_LENGTH, help_text="Of bands, as “(b4-b3)/(b4+b3)”."
    )
    algorithm = serializers.CharField(required=False, help_text="hillshade or slope.")
    bands = serializers.CharField(
        required=False, max_length=20, help_text="The band with the heights, for an algorithm."
    )


class StatisticsSerializer(serializers.Serializer[Any]):
    """All are null where nothing can be computed."""

    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    percentile_2 = serializers.FloatField(allow_null=True)
    percentile_98 = serializers.FloatField(allow_null=True)
    histogram = RasterHistogramSerializer(allow_null=True)


class ShareCreateSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=365, default=30)
    allow_download = serializers.BooleanField(default=False)
    note = serializers.CharField(
        max_length=100, default="", allow_blank=True, help_text="Whom it is for."
    )


class ShareSerializer(serializers.ModelSerializer[RasterShare]):
    """A link to a raster. What opens it is told once, when it is made."""

    class Meta:
        model = RasterShare
        fields = ["id", "note", "allow_download", "expires_at", "created_at"]
        read_only_fields = fields


class CreatedShareSerializer(ShareSerializer):
    token = serializers.CharField(help_text="Not stored, and not told again.")
    url = serializers.CharField(help_text="Address of the page that shows the raster.")

    class Meta(ShareSerializer.Meta):
        fields = [*ShareSerializer.Meta.fields, "token", "url"]
        read_only_fields = fields


class MapCopySerializer(serializers.Serializer[Any]):
    """The options of a map copy: all tiles drawn in advance, or each on demand."""

    status = serializers.ChoiceField(
        choices=["none", "pending", "processing", "completed", "failed", "cancelled"]
    )
    progress = serializers.IntegerField(help_text="0 to 100.")
    error_message = serializers.CharField(allow_blank=True)
    tiles = serializers.IntegerField(allow_null=True)
    size = serializers.IntegerField(allow_null=True, help_text="Bytes.")


class SharedRasterSerializer(RasterResultSerializer):
    """A raster as a visitor with a link sees it."""

    allow_download = serializers.BooleanField()
    expires_at = serializers.DateTimeField()
