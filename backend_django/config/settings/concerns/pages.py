"""The built page and the values it is given at run time (docs/decisions/0004)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ..environment import ROOT, env
from .base_path import BASE_PATH

# The built page.
VUE_INDEX = env("VUE_INDEX", default=str(ROOT / "frontend_vue" / "dist" / "index.html"))

# One value for each VITE_APP_<NAME>_PLACEHOLDER in index.html. What names and describes the project
# is added by the view, so that it cannot disagree with /api/v1/version-info/.
VITE_APP = {
    # Where the page's files are: a path, or the address of a CDN. Empty: on this server.
    "STATIC_ROOT": env("VITE_APP_STATIC_ROOT", default="") or f"{BASE_PATH}/static/vue/",
    # Where the API is: a path, or an address. Empty: on this server.
    "API_ROOT": env("VITE_APP_API_ROOT", default="") or f"{BASE_PATH}/api/v1/",
}

# The manual of this product for its users, which the menu then leads to.
HELP_URL = env("HELP_URL", default="")

# Where the menu of staff leads as well, such as `Mails=https://mail.example.org`.
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
