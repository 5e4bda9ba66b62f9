from typing import Any, cast

from rest_framework import generics
from rest_framework.serializers import BaseSerializer

from backend_django.api.queries import filter_rows, read_query
from backend_django.api.views import OwnRows
from backend_django.uploads.api.rows import FileView

from .. import services
from ..models import Booking, Instrument
from .serializers import (
    BookingListQuery,
    BookingSerializer,
    InstrumentListQuery,
    InstrumentSerializer,
)


class BookingView(OwnRows, generics.GenericAPIView[Booking]):
    queryset = Booking.objects.select_related(
        "instrument",
    )
    serializer_class = BookingSerializer
    lookup_field = "id"


class BookingCreateView(BookingView, generics.CreateAPIView[Booking]):
    schema_action = "create"

    def perform_create(self, serializer: BaseSerializer[Booking]) -> None:
        serializer.instance = services.booking_create(
            owner=self.owner,
            **serializer.validated_data,
        )


class BookingListView(BookingView, generics.ListAPIView[Booking]):
    schema_action = "list"
    is_list = True
    query_serializer = BookingListQuery

    def filter_queryset(self, queryset: Any) -> Any:
        return filter_rows(
            queryset,
            read_query(self, self.request),
            search=[
                "purpose",
                "remarks",
            ],
        )


class BookingDetailView(BookingView, generics.RetrieveAPIView[Booking]):
    schema_action = "detail"


class BookingUpdateView(BookingView, generics.UpdateAPIView[Booking]):
    schema_action = "update"
    http_method_names = ["patch"]

    def perform_update(self, serializer: BaseSerializer[Booking]) -> None:
        booking = cast(Booking, serializer.instance)
        services.booking_update(booking=booking, **serializer.validated_data)


class BookingDeleteView(BookingView, generics.DestroyAPIView[Booking]):
    schema_action = "delete"
    problems = {409: "It is in use"}

    def perform_destroy(self, instance: Booking) -> None:
        services.booking_delete(booking=instance)


class InstrumentView(OwnRows, generics.GenericAPIView[Instrument]):
    queryset = Instrument.objects.select_related(
        "picture",
        "manual",
    ).prefetch_related(
        "alternatives",
    )
    serializer_class = InstrumentSerializer
    lookup_field = "id"


class InstrumentCreateView(InstrumentView, generics.CreateAPIView[Instrument]):
    schema_action = "instrument_create"

    def perform_create(self, serializer: BaseSerializer[Instrument]) -> None:
        serializer.instance = services.instrument_create(
            owner=self.owner,
            **serializer.validated_data,
        )


class InstrumentListView(InstrumentView, generics.ListAPIView[Instrument]):
    schema_action = "instrument_list"
    is_list = True
    query_serializer = InstrumentListQuery

    def filter_queryset(self, queryset: Any) -> Any:
        return filter_rows(
            queryset,
            read_query(self, self.request),
            search=[
                "title",
                "inventory",
                "website",
                "contact",
            ],
        )


class InstrumentDetailView(InstrumentView, generics.RetrieveAPIView[Instrument]):
    schema_action = "instrument_detail"


class InstrumentUpdateView(InstrumentView, generics.UpdateAPIView[Instrument]):
    schema_action = "instrument_update"
    http_method_names = ["patch"]

    def perform_update(self, serializer: BaseSerializer[Instrument]) -> None:
        instrument = cast(Instrument, serializer.instance)
        services.instrument_update(instrument=instrument, **serializer.validated_data)


class InstrumentDeleteView(InstrumentView, generics.DestroyAPIView[Instrument]):
    schema_action = "instrument_delete"
    problems = {409: "It is in use"}

    def perform_destroy(self, instance: Instrument) -> None:
        services.instrument_delete(instrument=instance)


class InstrumentFileView(FileView, InstrumentView):
    prefix = "instrument_"
