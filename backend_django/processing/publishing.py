"""Handing a request to the broker, which may be down: then the reaper does it later."""

import logging
from uuid import UUID

from django.db.models.functions import Now

from .models import ProcessingRequest
from .processor import Processor
from .registry import get_processor

logger = logging.getLogger(__name__)


def request_publish(*, request_id: UUID) -> bool:
    """Send the id to a worker. Never raises for a broker that does not answer."""
    from .tasks import process_request  # tasks import the runner, which imports the features' code

    kind = ProcessingRequest.objects.filter(id=request_id).values_list("kind", flat=True).first()
    try:
        queue = get_processor(kind or "").queue
    except KeyError:  # its feature is gone: any worker can say so
        queue = Processor.queue
    try:
        process_request.apply_async((str(request_id),), queue=queue)
    except Exception as error:
        logger.warning("request %s waits for the reaper: %s", request_id, type(error).__name__)
        return False
    ProcessingRequest.objects.filter(id=request_id).update(published_at=Now())
    return True
