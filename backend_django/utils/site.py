"""The site's own URL, for links in emails and for other programs."""

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port


def site_url(request: HttpRequest) -> str:
    """Return what a whole URL of ours begins with, without a slash at the end.

    SITE_URL, or what the caller came by: a name of ALLOWED_HOSTS, and no port but the one this
    server listens at. A caller who makes one up gets no email written with it.
    """
    if settings.SITE_URL:
        return settings.SITE_URL
    name, port = split_domain_port(request.get_host())
    is_ours = port == request.META.get("SERVER_PORT") and port not in {"80", "443"}
    return f"{request.scheme}://{name}" + (f":{port}" if is_ours else "")
