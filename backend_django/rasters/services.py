"""Changes to a raster's shares and its map copy."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backend_django.audit.services import event_record
from backend_django.processing.inputs import ResultSource
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.services import request_create, request_delete, request_retry
from backend_django.utils.errors import Invalid
from backend_django.utils.messages import Message

from .models import RasterMapCopy, RasterShare

_signer = signing.Signer(salt="rasters.share", sep="~")


def share_create(
    *, request: ProcessingRequest, days: int, allow_download: bool, note: str = ""
) -> tuple[RasterShare, str]:
    """Make a link to a raster; return it with its token, which is not stored and not told again."""
    secret = secrets.token_urlsafe(24)
    share = RasterShare.objects.create(
        request=request,
        note=note,
        token_hash=_hash(secret),
        allow_download=allow_download,
        expires_at=timezone.now() + timedelta(days=days),
    )
    event_record(
        event="share_created",
        target=f"request {request.id}",
        detail=f"share {share.id}, {days} days, {'with' if allow_download else 'without'} download",
    )
    return share, _signer.sign(secret)


def share_revoke(*, share: RasterShare) -> None:
    """End a link at once, apart from what caches between here and the visitor hold."""
    RasterShare.objects.filter(id=share.id).delete()
    event_record(
        event="share_revoked", target=f"request {share.request_id}", detail=f"share {share.id}"
    )


def share_find(token: str) -> RasterShare | None:
    """Return the share a token opens; none of an owner who was deactivated.

    A token that was not made here costs no database query.
    """
    try:
        secret = _signer.unsign(token)
    except signing.BadSignature:
        return None
    return RasterShare.objects.filter(
        token_hash=_hash(secret),
        expires_at__gt=timezone.now(),
        request__owner__is_active=True,
    ).first()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def map_copy_create(*, request: ProcessingRequest) -> ProcessingRequest:
    """Have all tiles of a completed raster drawn; return the request that does it, new or not.

    One that failed or was cancelled makes way for a new one.
    """
    from .processor import MapCopyProcessor

    existing = RasterMapCopy.objects.filter(raster=request).select_related("job").first()
    if existing:
        if existing.job.status not in {"failed", "cancelled"}:
            return existing.job
        map_copy_delete(copy=existing)
    try:
        with transaction.atomic():
            job, _created = request_create(
                owner=request.owner,
                processor=MapCopyProcessor,
                name=(_("Map of %(name)s") % {"name": request.name})[:200],
                inputs={"raster": [ResultSource(request.id)]},
                parameters=MapCopyProcessor.parameters_for(request.result.data),
            )
            job.uses.clear()  # it belongs to the raster, and is to go with it at any time
            RasterMapCopy.objects.create(raster=request, job=job)
    except IntegrityError:  # somebody else was quicker
        return RasterMapCopy.objects.select_related("job").get(raster=request).job
    return job


def map_copy_delete(*, copy: RasterMapCopy) -> None:
    """Remove the map copy, finished or not; its tiles are drawn when they are asked for again."""
    if copy.job.parent_id is None:
        request_delete(request=copy.job)
        return
    with transaction.atomic():  # a step that a completed pipeline no longer has
        raster = ProcessingRequest.objects.select_for_update().get(id=copy.raster_id)
        raster.parameters = raster.parameters | {"map_copy": False}
        raster.save(update_fields=["parameters"])
        copy.delete()


def raster_amend(*, request: ProcessingRequest, changes: dict[str, Any]) -> None:
    """Change the options of a raster that failed, and start it again with the same upload.

    A step of a mosaic goes on with its mosaic.

    Raises:
        Conflict: it did not fail and was not cancelled.
    """
    with transaction.atomic():
        row = ProcessingRequest.objects.select_for_update(of=["self"]).get(id=request.id)
        if row.status in {"failed", "cancelled"}:  # of any other the retry says what it is
            row.parameters = row.parameters | changes
            row.save(update_fields=["parameters"])
        request_retry(request=row.parent or row)
    request.refresh_from_db()


def raster_describe(
    *,
    request: ProcessingRequest,
    band: int = 1,
    classes: Sequence[Mapping[str, Any]] = (),
    **changes: Any,
) -> ProcessingResult:
    """Note what the owner of a completed raster knows of it and its file does not say.

    The file stays as it is; maps, legend and documents follow.

    Args:
        band: whose classes they are.
        classes: value, name and colour (RRGGBB) of each that is to be changed.
        changes: acquired_at, as text of ISO 8601 or None.

    Raises:
        Invalid: the band has no such class.
    """
    with transaction.atomic():
        result = ProcessingResult.objects.select_for_update().get(request=request)
        data = result.data | changes
        if classes:
            data["bands"] = _with_classes(data["bands"], band, classes)
        result.data = data | {"revision": data.get("revision", 0) + 1}
        result.save(update_fields=["data"])
    return result


def _with_classes(
    bands: Sequence[Mapping[str, Any]], index: int, classes: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    wanted = {one["value"]: {"name": one["name"], "colour": one["colour"]} for one in classes}
    legends = {band["index"]: band.get("classes") or [] for band in bands}
    legend = legends.get(index, [])
    if unknown := wanted.keys() - {one["value"] for one in legend}:
        sentence = Message("Band %(index)s has no class %(min)s.", index=index, min=min(unknown))
        raise Invalid(sentence, fields={"classes": sentence})
    legend = [one | wanted.get(one["value"], {}) for one in legend]
    return [
        {**band, "classes": legend, "recoloured": True} if band["index"] == index else band
        for band in bands
    ]
