"""Ranges of two columns, for constraints of the database."""

from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField
from django.db.models import Func


class DateTimeRange(Func):
    """From one moment until another, which is not in it."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class DateRange(Func):
    """From one day until another, which is not in it."""

    function = "DATERANGE"
    output_field = DateRangeField()
