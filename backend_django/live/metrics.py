"""Metrics of the event streams."""

from prometheus_client import Gauge

OPEN_STREAMS = Gauge(
    "live_streams",
    "Event streams that are open.",
    multiprocess_mode="livesum",
)
