"""Basemaps that people may choose for the map of a raster."""

from typing import Any

from backend_django.config.settings.environment import env

from .basemaps import read_basemaps

# A list in JSON of objects with `name`, `url` and `attribution`: of XYZ tiles (with `{z}/{x}/{y}`;
# `max_zoom` if they end before 19), of a `.pmtiles` file with pictures, or of the capabilities of a
# WMTS (with `layer`; `origins` if its tiles are on other hosts). Their hosts are added to the
# Content-Security-Policy, and must allow other sites to read them (CORS). Keys in a URL are seen by
# everybody who opens a map. Without it the map asks nobody but this site.
MAP_BASEMAPS = env("MAP_BASEMAPS", default="")


def configure(settings: dict[str, Any]) -> None:
    """Tell the page, and let it there."""
    basemaps = read_basemaps(MAP_BASEMAPS)
    settings["PAGE_VALUES"]["basemaps"] = [basemap.for_page() for basemap in basemaps]
    directives = settings["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    for basemap in basemaps:
        for directive, origins in basemap.sources().items():
            directives[directive] += [one for one in origins if one not in directives[directive]]
