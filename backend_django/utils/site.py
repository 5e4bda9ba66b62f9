"""The site's own URLs, for redirects, links in emails and other programs."""

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port


def site_url(request: HttpRequest | None = None) -> str:
    """Return what a whole URL of ours begins with, without a slash at the end.

    SITE_URL, or what the caller came by: a name of ALLOWED_HOSTS, and no port but the one this
    server listens at. A caller who makes one up gets no email written with it. Where there is no
    request (in a job, a command), it is the first name of ALLOWED_HOSTS.
    """
    if settings.SITE_URL:
        return settings.SITE_URL
    if request is None:
        names = (name for name in settings.ALLOWED_HOSTS if not name.startswith(("*", ".")))
        scheme = "https" if settings.SESSION_COOKIE_SECURE else "http"
        return f"{scheme}://{next(names, 'localhost')}"
    name, port = split_domain_port(request.get_host())
    is_ours = port == request.META.get("SERVER_PORT") and port not in {"80", "443"}
    return f"{request.scheme}://{name}" + (f":{port}" if is_ours else "")


def page_path(path: str) -> str:
    """Return the path of a page, given as the page itself knows it: `/login`."""
    return f"{settings.BASE_PATH}{path}"


def page_url(path: str = "", request: HttpRequest | None = None) -> str:
    """Return the whole URL of a page; without a path, what those of all pages begin with."""
    return site_url(request) + page_path(path)
