"""The built page and its run-time values (docs/decisions/0004)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ..environment import ROOT, env
from .base_path import BASE_PATH

# The built page.
VUE_INDEX = env("VUE_INDEX", default=str(ROOT / "frontend_vue" / "dist" / "index.html"))

# One value for each VITE_APP_<NAME>_PLACEHOLDER in index.html. What names and describes the project
# is added by the view, so that it cannot disagree with /api/v1/version-info/.
VITE_APP = {
    # Where the page's files are, if not on this server: a path, or the URL of a CDN.
    "STATIC_ROOT": env("VITE_APP_STATIC_ROOT", default="") or f"{BASE_PATH}/static/vue/",
    # Where the API is, if not on this server: a path or a URL.
    "API_ROOT": env("VITE_APP_API_ROOT", default="") or f"{BASE_PATH}/api/v1/",
}

# Your manual for users, which the menu then links to.
HELP_URL = env("HELP_URL", default="")

# More links in the menu of staff, such as `Mails=https://mail.example.org`.
_staff_links = env.list("STAFF_LINKS", default=[])
STAFF_LINKS = dict(link.partition("=")[::2] for link in _staff_links)

for _url in [*([HELP_URL] if HELP_URL else []), *STAFF_LINKS.values()]:
    if not _url.startswith(("https://", "http://", "/")):
        raise ImproperlyConfigured(
            "HELP_URL is a URL, and STAFF_LINKS is name=URL, with commas between several: "
            f"“{_url}” is no URL."
        )

# What modules tell their own part of the page, as JSON.
PAGE_VALUES: dict[str, Any] = {}
