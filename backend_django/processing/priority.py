"""The priorities of requests in a queue."""

from django.db.models import IntegerChoices


class Priority(IntegerChoices):
    """Requests of a higher priority start before all others that wait in the same queue."""

    HIGH = 1
    NORMAL = 2
    LOW = 3
