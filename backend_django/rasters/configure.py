"""Basemaps for the map of a raster."""

from typing import Any

from backend_django.config.settings.environment import env

from .basemaps import read_basemaps

# A JSON list of objects with `name`, `url` and `attribution`: the URL of XYZ tiles (with
# `{z}/{x}/{y}`; `max_zoom` if they end before 19), of a `.pmtiles` file of images, or of a WMTS'
# capabilities (with `layer`; `origins` if its tiles are on other hosts). Their hosts are added to
# the Content-Security-Policy, and must allow other sites to read them (CORS). Anyone who opens a
# map can see keys in a URL. Without basemaps, the map loads from this site only.
MAP_BASEMAPS = env("MAP_BASEMAPS", default="")


def configure(settings: dict[str, Any]) -> None:
    """Tell the page, and let it there."""
    basemaps = read_basemaps(MAP_BASEMAPS)
    settings["PAGE_VALUES"]["basemaps"] = [basemap.for_page() for basemap in basemaps]
    directives = settings["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    for basemap in basemaps:
        for directive, origins in basemap.sources().items():
            directives[directive] += [one for one in origins if one not in directives[directive]]
