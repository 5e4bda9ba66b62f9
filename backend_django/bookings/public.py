"""What other features may use of this one."""

from .models import Booking, Instrument

__all__ = [
    "Booking",
    "Instrument",
]
