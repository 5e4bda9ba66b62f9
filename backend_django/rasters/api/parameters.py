"""The options of a raster on the wire."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ..options import (
    BLOCK_SIZES,
    GRIDS,
    PROFILES,
    RESAMPLINGS,
    VALUES,
    parse_bands,
    parse_corners,
    parse_gcps,
)

# Written so that JavaScript, which reads it in the document, and Python agree; empty is allowed.
_NUMBER = r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?"
_WORD = "[nN][oO][nN][eE]|[+-]?([nN][aA][nN]|[iI][nN][fF])"

_POINT = rf"{_NUMBER}( ?, ?{_NUMBER}){{3}}"

CRS_CODE = r"^([A-Za-z_]{2,20}[0-9]{0,4}:[0-9]{1,10})?$"


def _nodata(help_text: str) -> serializers.RegexField:
    return serializers.RegexField(
        rf"^({_WORD}|{_NUMBER})?$",
        default="",
        allow_blank=True,
        max_length=50,
        help_text=help_text,
        error_messages={"invalid": _("Must be a number, “nan”, or “none”.")},
    )


def _profile() -> serializers.ChoiceField:
    return serializers.ChoiceField(
        choices=list(PROFILES.items()), default="auto", help_text="Compression of the result."
    )


def _values(help_text: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(
        choices=list(VALUES.items()), default="auto", help_text=help_text
    )


def _crs(help_text: str) -> serializers.RegexField:
    return serializers.RegexField(
        CRS_CODE,
        default="",
        allow_blank=True,
        max_length=40,
        help_text=help_text,
        error_messages={"invalid": _("Must be a code, as “EPSG:32632”.")},
    )


class RasterOptionsSerializer(serializers.Serializer[Any]):
    """The options of a conversion. All are optional."""

    profile = _profile()
    grid = serializers.ChoiceField(
        choices=list(GRIDS.items()), default="native", help_text="Where the pixels lie."
    )
    overview_resampling = serializers.ChoiceField(
        choices=RESAMPLINGS, default="auto", help_text="How overviews are made of the pixels."
    )
    block_size = serializers.ChoiceField(
        choices=BLOCK_SIZES, default=256, help_text="Pixels along a side of a block."
    )
    nodata = _nodata("Value of missing pixels: a number, “nan”, or “none”. Empty: as in the file.")
    bands = serializers.RegexField(
        r"^([1-9][0-9]{0,3}( ?, ?[1-9][0-9]{0,3}){0,63})?$",
        default="",
        allow_blank=True,
        max_length=400,
        help_text="Which bands, in which order, for example “4,3,2”. Empty: all.",
        error_messages={
            "invalid": _("Must be numbers of bands with commas between, as in “4,3,2”.")
        },
    )
    values = _values("What the values are; it decides how overviews are made, and the legend.")
    crs = _crs("Coordinate reference system, as “EPSG:32632”. Empty: as in the file.")
    corners = serializers.RegexField(
        rf"^({_NUMBER}( ?, ?{_NUMBER}){{3}})?$",
        default="",
        allow_blank=True,
        max_length=300,
        help_text="West, south, east, north of the outer edges in that system, with commas "
        "between. Empty: as in the file.",
        error_messages={"invalid": _("Must be four numbers with commas between.")},
    )
    gcps = serializers.RegexField(
        rf"^({_POINT}( ?; ?{_POINT}){{2,99}})?$",
        default="",
        allow_blank=True,
        max_length=10_000,
        help_text="Ground control points: three or more of column, row, x, y, with semicolons "
        "between; columns and rows from the upper left corner, x and y in that system. Empty: as "
        "in the file.",
        error_messages={"invalid": _("Must be three points or more, as “column,row,x,y;…”.")},
    )
    layer = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=200,
        help_text="Which raster of a file that holds several, by its name.",
    )
    map_copy = serializers.BooleanField(
        default=False, help_text="Draw all tiles of the map in advance, after the result is there."
    )

    def validate_corners(self, text: str) -> str:
        try:
            return ",".join(map(repr, parse_corners(text))) if text else ""
        except ValueError:
            raise serializers.ValidationError(
                _("West must be less than east, and south less than north.")
            ) from None

    def validate_gcps(self, text: str) -> str:
        try:
            points = parse_gcps(text) if text else []
        except ValueError:
            raise serializers.ValidationError(
                _("The points must not be on one line, in the picture or on the ground.")
            ) from None
        return ";".join(",".join(map(repr, point)) for point in points)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("gcps") and attrs.get("corners"):
            raise serializers.ValidationError({"gcps": _("Give corners or points, not both.")})
        return attrs

    def validate_bands(self, text: str) -> str:
        try:
            return ",".join(map(str, parse_bands(text)))
        except ValueError:
            raise serializers.ValidationError(_("Name each band only once.")) from None


class MosaicParametersSerializer(serializers.Serializer[Any]):
    """The options of a mosaic. All are optional."""

    crs = _crs("Coordinate reference system, as “EPSG:32632”. Empty: that of most rasters.")
    resolution = serializers.FloatField(
        default=None,
        allow_null=True,
        min_value=1e-9,
        max_value=1e9,
        help_text="Side of a pixel, in units of that system. Null: that of the smallest pixels.",
    )
    profile = _profile()
    nodata = _nodata("Value of missing pixels of the uploads: a number, “nan”, or “none”.")
    values = _values("What the values are; classes are never mixed.")
    map_copy = serializers.BooleanField(
        default=False, help_text="Draw all tiles of the map in advance, as the last step."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs.get("rasters", "both")) < 2:
            raise serializers.ValidationError({"rasters": _("Name two rasters or more.")})
        return attrs


class RasterParametersSerializer(RasterOptionsSerializer):
    """The options of a conversion. All are optional."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        sources = [name for name in ("file", "upload", "raster") if name in attrs]
        if hasattr(self, "inputs") and not sources:
            raise serializers.ValidationError({"file": _("No file was submitted.")}, "required")
        if "raster" in sources and len(sources) > 1:
            raise serializers.ValidationError({"raster": _("Send a file or a raster, not both.")})
        return attrs
