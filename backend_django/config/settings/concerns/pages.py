"""The built page and the values it is given at run time (docs/decisions/0004)."""

from ..environment import ROOT, env

# The built page.
VUE_INDEX = env("VUE_INDEX", default=str(ROOT / "frontend_vue" / "dist" / "index.html"))

# One value for each VITE_APP_<NAME>_PLACEHOLDER in index.html. What names and describes the project
# is added by the view, so that it cannot disagree with /api/v1/version-info/.
VITE_APP = {
    # Where the page's files are: a path, or the address of a CDN.
    "STATIC_ROOT": env("VITE_APP_STATIC_ROOT", default="/static/vue/"),
    # Where the API is: a path, or an address.
    "API_ROOT": env("VITE_APP_API_ROOT", default="/api/v1/"),
}
