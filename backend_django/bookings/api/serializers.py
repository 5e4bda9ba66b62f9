from typing import Any

from rest_framework import serializers

from backend_django.api.queries import QueryBooleanField, SearchField
from backend_django.api.serializers import ModelSerializer
from backend_django.uploads.api.rows import UploadField

from ..models import Booking, Instrument


class BookingSerializer(ModelSerializer[Booking]):
    instrument_name: Any = serializers.StringRelatedField(source="instrument")

    class Meta:
        model = Booking
        fields = [
            "id",
            "purpose",
            "instrument",
            "instrument_name",
            "period_start",
            "period_end",
            "state",
            "guests",
            "supervised",
            "reminder",
            "remarks",
            "created_at",
            "updated_at",
        ]
        read_only_fields = [
            "id",
            "created_at",
            "updated_at",
        ]


class BookingListQuery(serializers.Serializer[Any]):
    """The query of a list, besides its pages."""

    search = SearchField()
    instrument = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=Booking.State.values, required=False)
    supervised = QueryBooleanField(required=False)
    ordering = serializers.ChoiceField(
        choices=[
            "created_at",
            "-created_at",
            "purpose",
            "-purpose",
            "period_start",
            "-period_start",
            "state",
            "-state",
            "guests",
            "-guests",
            "supervised",
            "-supervised",
            "reminder",
            "-reminder",
        ],
        default="-created_at",
    )


class InstrumentSerializer(ModelSerializer[Instrument]):
    picture = UploadField(kind="bookings", image=True, required=False, allow_null=True)
    picture_name = serializers.CharField(source="picture.name", read_only=True, allow_null=True)
    alternatives_names: Any = serializers.StringRelatedField(
        source="alternatives", many=True, read_only=True
    )
    manual = UploadField(kind="bookings", required=False, allow_null=True)
    manual_name = serializers.CharField(source="manual.name", read_only=True, allow_null=True)

    class Meta:
        model = Instrument
        fields = [
            "id",
            "title",
            "inventory",
            "picture",
            "picture_name",
            "hourly_rate",
            "alternatives",
            "alternatives_names",
            "precision",
            "acquired",
            "website",
            "contact",
            "manual",
            "manual_name",
            "specification",
            "created_at",
            "updated_at",
        ]
        read_only_fields = [
            "id",
            "created_at",
            "updated_at",
        ]


class InstrumentListQuery(serializers.Serializer[Any]):
    """The query of a list, besides its pages."""

    search = SearchField()
    alternatives = serializers.UUIDField(required=False)
    ordering = serializers.ChoiceField(
        choices=[
            "created_at",
            "-created_at",
            "title",
            "-title",
            "inventory",
            "-inventory",
            "hourly_rate",
            "-hourly_rate",
            "precision",
            "-precision",
            "acquired",
            "-acquired",
            "website",
            "-website",
            "contact",
            "-contact",
        ],
        default="-created_at",
    )
