"""A file to begin with, for whoever has none of their own at hand."""

from django.core.files.uploadedfile import UploadedFile

from backend_django.users.models import User
from backend_django.utils.translation import translate

from .models import ProcessingRequest
from .processor import Processor
from .services import request_by_key, request_create

KEY = "sample"


def sample_submit(*, owner: User, processor: type[Processor]) -> tuple[ProcessingRequest, bool]:
    """Submit the sample of a processor that has one, as if the owner had uploaded it.

    Returns:
        The request, and whether it is new: as long as the owner keeps it, it is the same.

    Raises:
        TooLarge, QuotaUsedUp, WorkUsedUp: it is more than the owner may have today.
    """
    sample = processor.sample
    if sample is None:
        raise ValueError(f"{processor.name} has no sample")
    if earlier := request_by_key(owner=owner, processor=processor, key=KEY):
        return earlier, False
    with sample.open("rb") as file:
        upload = UploadedFile(file, name=sample.name, size=sample.stat().st_size)
        return request_create(
            owner=owner,
            processor=processor,
            inputs={"file": [upload]},
            name=translate(processor.sample_name),
            parameters=processor.check_parameters({}),
            idempotency_key=KEY,
        )
