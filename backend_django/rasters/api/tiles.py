"""Tiles: a plain view, because the framework around an endpoint would cost as much as the tile."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from backend_django.api.problems import problem_response, status_of
from backend_django.api.queries import reads
from backend_django.api.throttling import count_tile
from backend_django.files.api.downloads import readable
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.queries import requests_visible_to
from backend_django.utils.errors import DomainError
from backend_django.utils.messages import Message
from backend_django.utils.translation import translate

from .. import services
from ..links import version_of
from ..processor import KINDS
from ..styles import Style, StyleError, default_style, parse_style
from ..tile_grid import tile_exists, within_range
from .access import NO_LINK

FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"
PARAMETERS = ("v", "bands", "rescale", "colormap", "expression", "algorithm", "format")
NUMBERS = "numbers"
SHARED_SECONDS = 3600  # how long caches on the way may go on showing a link that was revoked

# A map asks for dozens of tiles at once. What ends an access is noticed within a second, in every
# process, because nothing is remembered for longer.
_KNOWN_SECONDS = 0.8
_KNOWN_ENTRIES = 1000

NO_FORMAT = Message("Must be “numbers”, or left out.")

T = TypeVar("T")
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class TileSource:
    """Everything needed to draw tiles of a result."""

    path: Path
    copy: Path | None  # all tiles in one style, drawn in advance
    copy_style: Style | None
    version: int
    bounds: tuple[float, ...]
    bands: list[dict[str, Any]]
    style: Style
    expires_at: float = float("inf")  # seconds since the epoch


_known: dict[Any, tuple[float, Any]] = {}
_known_lock = threading.Lock()


def _remember(key: Any, find: Callable[[], T | None]) -> T | None:
    """Return what `find` finds, which is not asked again for a moment when it finds it."""
    now = time.monotonic()
    remembered = _known.get(key)
    if remembered and remembered[0] > now:
        return remembered[1]
    found = find()
    if found is not None:
        with _known_lock:
            if len(_known) >= _KNOWN_ENTRIES:
                _known.clear()
            _known[key] = (now + _KNOWN_SECONDS, found)
    return found


def _told(view: View) -> View:
    """Say what reading a raster raises: it was deleted a moment ago, or its storage is silent.

    So it is with what a token may not open.
    """

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with readable():
                return view(*args, **kwargs)
        except DomainError as error:
            return problem_response(status_of(error), error.code, error.message)
        except PermissionDenied as error:
            return problem_response(403, str(error.get_codes()), error.detail)

    return answer


@reads(*PARAMETERS)
@require_safe
@transaction.non_atomic_requests
@_told
def tile(request: HttpRequest, id: UUID | str, z: str, x: str, y: str) -> HttpResponse:
    """Answer with a tile of 256 × 256 pixels of an own raster; 204 where it has none."""
    user_id = _user_id(request)
    if user_id is None:
        refusal = problem_response(401, "not_authenticated", Message("Sign in to see this raster."))
        refusal["WWW-Authenticate"] = "Token"
        return refusal
    if too_many := count_tile(request, user_id):
        return too_many
    source = _remember(
        (user_id, str(id)),
        lambda: _find(request__in=requests_visible_to(user_id).filter(id=id, kind__in=KINDS)),
    )
    if source is None:
        return problem_response(404, "not_found", Message("There is no such raster."))
    response = _answer(request, source, f"{id}", (int(z), int(x), int(y)))
    response["Vary"] = "Authorization, Cookie"
    return response


@reads(*PARAMETERS)
@require_safe
@transaction.non_atomic_requests
@_told
def shared_tile(request: HttpRequest, token: str, z: str, x: str, y: str) -> HttpResponse:
    """The same for whoever has a link. It is the same for all, so that a CDN may keep it."""
    if too_many := count_tile(request):
        return too_many
    source = _remember(token, lambda: _find_shared(token))
    left = int(source.expires_at - time.time()) if source else 0
    if source is None or left <= 0:
        return problem_response(404, "not_found", NO_LINK)
    response = _answer(request, source, token[:12], (int(z), int(x), int(y)))
    if response.get("Cache-Control") == FOR_EVER:
        seconds = min(SHARED_SECONDS, left)
        response["Cache-Control"] = f"public, max-age={seconds}, immutable"
    return response


def _answer(
    request: HttpRequest, source: TileSource, name: str, where: tuple[int, int, int]
) -> HttpResponse:
    if not tile_exists(*where):
        return problem_response(404, "not_found", Message("There is no such tile."))
    query = request.GET
    if (kind := query.get("format")) not in (None, NUMBERS):
        return problem_response(400, "invalid_style", f"format: {translate(NO_FORMAT)}")
    try:
        style = parse_style(query, source.bands) if len(query) > ("v" in query) else source.style
    except StyleError as error:
        return problem_response(400, "invalid_style", f"{error.field}: {translate(error.message)}")
    etag = '"{}-{}-{}-{}-{}-{}"'.format(
        name, source.version, *where, f"{NUMBERS}-{style.name}" if kind else style.name
    )
    caching = FOR_EVER if query.get("v") == str(source.version) else ASK_AGAIN
    headers = {"ETag": etag, "Cache-Control": caching}
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None and unchanged.status_code == 304:
        return HttpResponse(status=304, headers=headers)
    content = _numbers(source, style, where) if kind else _content(source, style, where)
    if content is None:
        return HttpResponse(status=204, headers=headers)
    if kind:
        from ..numeric_tiles import CONTENT_TYPE

        return HttpResponse(content, content_type=CONTENT_TYPE, headers=headers)
    from ..images import content_type

    return HttpResponse(content, content_type=content_type(content), headers=headers)


def _content(source: TileSource, style: Style, where: tuple[int, int, int]) -> bytes | None:
    from .. import tiles  # numpy, rasterio: not at the start of a web process
    from ..archive import open_archive

    # Bounds are found by looking at points: a tile beyond them may still show a pixel.
    if source.copy and style == source.copy_style and within_range(source.bounds, *where):
        try:
            archive = open_archive(source.copy)
            if where[0] <= archive.max_zoom:
                return archive.tile(*where)
        except FileNotFoundError:  # the copy was removed; the raster may be there
            pass
    picture = tiles.render_tile(source.path, *where, style)
    return picture.content if picture else None


def _numbers(source: TileSource, style: Style, where: tuple[int, int, int]) -> bytes | None:
    from .. import tiles
    from ..numeric_tiles import encode_numbers

    found = tiles.read_tile(source.path, *where, style)
    return encode_numbers(*found) if found else None


def _user_id(request: HttpRequest) -> int | None:
    """Return whose request it is, as the API's authenticators decide; None for a stranger.

    Remembered by everything that they read: a header beside a session cookie decides nothing.
    """
    credentials = (
        request.headers.get("Authorization"),
        request.COOKIES.get(settings.SESSION_COOKIE_NAME),
    )
    if not any(credentials):
        return None
    return _remember(("user", *credentials), lambda: _authenticate(request))


def _authenticate(request: HttpRequest) -> int | None:
    try:
        user = Request(request, authenticators=APIView().get_authenticators()).user
    except AuthenticationFailed:
        return None
    return user.pk if user.is_authenticated else None


def _find_shared(token: str) -> TileSource | None:
    share = services.share_find(token)
    if share is None:
        return None
    left = (share.expires_at - timezone.now()).total_seconds()
    return _find(request=share.request_id, expires_at=time.time() + left)


def _find(expires_at: float = float("inf"), **conditions: Any) -> TileSource | None:
    """Return the source of a completed raster."""
    result = (
        ProcessingResult.objects.filter(
            request__status=ProcessingRequest.Status.COMPLETED, **conditions
        )
        .only("attempt", "data", "files")
        .first()
    )
    if result is None:
        return None
    copy = (
        ProcessingResult.objects.filter(request__raster_map_copy_of__raster=result.request_id)
        .select_related("request")
        .first()
    )
    return TileSource(
        path=result.open_path("cog"),
        copy=copy.open_path("tiles") if copy else None,
        copy_style=_copy_style(copy.request, result) if copy else None,
        version=version_of(result),
        bounds=tuple(result.data["bounds"]),
        bands=result.data["bands"],
        style=default_style(result.data["bands"]),
        expires_at=expires_at,
    )


def _copy_style(job: ProcessingRequest, raster: ProcessingResult) -> Style | None:
    """Return what a map copy was drawn in; its raster may have got other colours since."""
    if style := job.parameters.get("style"):
        return Style.from_plain(style)
    # Those of early releases do not say, and no raster had others then.
    return None if raster.data.get("revision") else default_style(raster.data["bands"])
