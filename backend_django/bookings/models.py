from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q

from backend_django.utils.ranges import DateTimeRange


class Booking(models.Model):
    """A booking, which only its owner sees."""

    class State(models.TextChoices):
        REQUESTED = "requested", "Waiting for an answer"
        CONFIRMED = "confirmed", "Confirmed"
        USED = "used", "Used"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=200)
    instrument = models.ForeignKey("Instrument", on_delete=models.RESTRICT, related_name="+")
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State, default=State.REQUESTED)
    guests = models.IntegerField(default=0)
    supervised = models.BooleanField(default=False)
    reminder = models.DateTimeField(null=True, blank=True)
    remarks = models.TextField(max_length=10_000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")),
                name="bookings_booking_period_end_order",
            ),
            ExclusionConstraint(
                expressions=[
                    ("instrument", RangeOperators.EQUAL),
                    (DateTimeRange("period_start", "period_end"), RangeOperators.OVERLAPS),
                ],
                name="bookings_booking_period_start_overlap",
            ),
        ]

    def __str__(self) -> str:
        return self.purpose


class Instrument(models.Model):
    """An instrument, which everybody sees who is signed in, and its owner changes."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=200)
    inventory = models.SlugField(max_length=80)
    picture = models.ForeignKey(
        "uploads.Upload", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    hourly_rate = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    alternatives: "models.ManyToManyField[Instrument, Any]" = models.ManyToManyField(
        "Instrument", blank=True, related_name="+"
    )
    precision = models.FloatField(null=True, blank=True)
    acquired = models.DateField(null=True, blank=True)
    website = models.URLField(max_length=500, blank=True)
    contact = models.EmailField(blank=True)
    manual = models.ForeignKey(
        "uploads.Upload", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    specification = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    seen_by_all = True

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["inventory"],
                name="bookings_instrument_inventory_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.title
