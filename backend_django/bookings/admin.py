from django.contrib import admin
from django.db import models

from .models import Booking, Instrument


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin):
    list_display = [
        "__str__",
        "instrument",
        "period_start",
        "period_end",
        "state",
        "guests",
        "supervised",
        "reminder",
        "owner",
        "created_at",
    ]
    list_filter = [
        "state",
        "supervised",
    ]
    search_fields = [
        "id",
        "purpose",
        "remarks",
    ]
    list_select_related = [
        "owner",
        "instrument",
    ]
    autocomplete_fields = [
        "owner",
        "instrument",
    ]


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin):
    list_display = [
        "__str__",
        "inventory",
        "hourly_rate",
        "precision",
        "acquired",
        "website",
        "contact",
        "owner",
        "created_at",
    ]
    search_fields = [
        "id",
        "title",
        "inventory",
        "website",
        "contact",
    ]
    list_select_related = [
        "owner",
    ]
    autocomplete_fields = [
        "owner",
        "alternatives",
    ]
    readonly_fields = [
        "picture",
        "manual",
    ]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
