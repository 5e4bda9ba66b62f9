"""Tiles: a plain view, because the framework around an endpoint would cost as much as the tile."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from backend_django.api.problems import problem_response
from backend_django.processing.models import ProcessingRequest, ProcessingResult

FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"

_KNOWN_SECONDS = 20.0  # a map asks for dozens of tiles at once; a deletion is seen after this
_KNOWN_ENTRIES = 1000


@dataclass(frozen=True)
class TileSource:
    """What is needed to draw tiles of a result."""

    path: Path
    attempt: int
    bounds: tuple[float, ...]
    style: Any  # images.Style; the import waits for the first tile


_known: dict[tuple[int, UUID], tuple[float, TileSource]] = {}
_known_lock = threading.Lock()


@require_safe
@transaction.non_atomic_requests
def tile(request: HttpRequest, id: UUID | str, z: str, x: str, y: str) -> HttpResponse:
    """Answer with a tile of 256 × 256 pixels; transparent outside the raster."""
    user_id = _user_id(request)
    if user_id is None:
        response = problem_response(401, "not_authenticated", "Sign in to see this raster.")
        response["WWW-Authenticate"] = "Token"
        return response
    from .. import tiles  # numpy, rasterio: not at the start of a web process

    where = int(z), int(x), int(y)
    source = _find(user_id, UUID(str(id)))
    if source is None:
        return problem_response(404, "not_found", "There is no such raster.")
    if not tiles.tile_exists(*where):
        return problem_response(404, "not_found", "There is no such tile.")
    etag = f'"{id}-{source.attempt}-{z}-{x}-{y}"'
    caching = FOR_EVER if request.GET.get("v") == str(source.attempt) else ASK_AGAIN
    headers = {"ETag": etag, "Cache-Control": caching, "Vary": "Authorization, Cookie"}
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None and unchanged.status_code == 304:
        return HttpResponse(status=304, headers=headers)
    try:
        if tiles.touches(source.bounds, *where):
            picture = tiles.render_tile(source.path, *where, source.style)
        else:
            picture = tiles.empty_picture(tiles.TILE_SIZE)
    except FileNotFoundError:  # deleted a moment ago
        return problem_response(404, "not_found", "There is no such raster.")
    return HttpResponse(picture.content, content_type=picture.content_type, headers=headers)


def _user_id(request: HttpRequest) -> int | None:
    """Return whose request it is, by API token or session."""
    try:
        found = TokenAuthentication().authenticate(request)  # type: ignore[arg-type]
    except AuthenticationFailed:
        return None
    user = found[0] if found else request.user
    return user.pk if user.is_authenticated else None


def _find(user_id: int, request_id: UUID) -> TileSource | None:
    """Return the source of a user's own completed raster, remembered for some seconds."""
    key, now = (user_id, request_id), time.monotonic()
    remembered = _known.get(key)
    if remembered and remembered[0] > now:
        return remembered[1]
    result = (
        ProcessingResult.objects.filter(
            request=request_id,
            request__owner=user_id,
            request__kind="rasters",
            request__status=ProcessingRequest.Status.COMPLETED,
        )
        .only("attempt", "data", "files")
        .first()
    )
    if result is None:
        return None
    from ..images import default_style

    source = TileSource(
        path=result.open_path("cog"),
        attempt=result.attempt,
        bounds=tuple(result.data["bounds"]),
        style=default_style(result.data["bands"]),
    )
    with _known_lock:
        if len(_known) >= _KNOWN_ENTRIES:
            _known.clear()
        _known[key] = (now + _KNOWN_SECONDS, source)
    return source
