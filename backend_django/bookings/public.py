"""The public face of this feature, for other features."""

from .models import Booking, Instrument

__all__ = [
    "Booking",
    "Instrument",
]
