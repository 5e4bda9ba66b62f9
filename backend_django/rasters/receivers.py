"""Reactions to the end of a raster's request."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from backend_django.processing.events import on_requests_ended
from backend_django.processing.models import ProcessingRequest

from .services import map_copy_create


@on_requests_ended
def draw_in_advance(requests: Sequence[ProcessingRequest]) -> None:
    """Begin the map copy of a raster that is completed, when that was asked for."""
    for request in requests:
        if (
            request.kind == "rasters"
            and request.status == ProcessingRequest.Status.COMPLETED
            and request.parameters.get("map_copy")
        ):
            transaction.on_commit(partial(map_copy_create, request=request), robust=True)
