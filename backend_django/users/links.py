"""The links in the app's menu besides its own pages."""

from django.conf import settings
from django.urls import reverse

from .models import User


def links_for(user: User, *, api_docs: bool) -> dict[str, str]:
    """Return the URLs that this user may open, by name; `api_docs` says whether those are one.

    `help`, `api_docs`, `admin` and `queues` are ours; the others have their names of STAFF_LINKS.
    """
    links = {"help": settings.HELP_URL} if settings.HELP_URL else {}
    if api_docs:
        links["api_docs"] = reverse("api-docs")
    if user.is_staff:
        links["admin"] = reverse("admin:index")
        if user.has_perm("processing.view_processingrequest"):
            links["queues"] = reverse("queues")
        links |= settings.STAFF_LINKS
    return links
