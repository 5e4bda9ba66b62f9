"""The view that answers every address which is not the API's, the admin's or a file's."""

import json
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from .runtime_env import Page, render


def page_values() -> dict[str, str]:
    """Return a value for every placeholder there may be in index.html."""
    return {
        **settings.VITE_APP,
        "BASE_PATH": settings.BASE_PATH,
        "DESCRIPTION": settings.PROJECT.description,
        "ENVIRONMENT": settings.APP_ENVIRONMENT,
        "LANGUAGES": ",".join(dict(settings.LANGUAGES)),
        "LIVE": json.dumps(settings.LIVE_EVENTS),
        "MODULES": json.dumps(settings.PAGE_VALUES),
        "NAME": settings.PROJECT.name,
        "VERSION": settings.PROJECT.version,
    }


@cache
def _render_cached(path: str, modified_ns: int) -> Page:
    return render(Path(path).read_text(encoding="utf-8"), page_values())


def render_page() -> Page:
    """Return the filled page; it is filled once, and again when a build has replaced it.

    Raises:
        FileNotFoundError: the page is not built.
        RuntimeEnvError: a value of the environment cannot go into it.
    """
    path = Path(settings.VUE_INDEX)
    return _render_cached(str(path), path.stat().st_mtime_ns)


@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Answer with the page; the browser asks again each time, the files it names stay for ever.

    It comes with the visitor's own CSRF cookie, which no cache in front may give to others.

    Where the page has nothing to show but that, the status is 404.
    """
    try:
        filled = render_page()
    except FileNotFoundError:
        return HttpResponse(
            _("The page is not built yet: `make run` builds it.\n"),
            status=503,
            content_type="text/plain; charset=utf-8",
        )
    status = 200 if filled.has(request.path_info) else 404
    response = HttpResponse(
        filled.html, status=status, headers={"Cache-Control": "private, no-cache"}
    )
    response.same_in_all_languages = True  # type: ignore[attr-defined]
    if filled.script_sources:
        response._csp_update = {"script-src": list(filled.script_sources)}  # type: ignore[attr-defined]
    return response
