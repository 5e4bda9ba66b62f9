"""The addresses of what belongs to a raster, for its owner or for whoever has a link."""

from typing import Any
from uuid import UUID

from django.urls import reverse

from backend_django.utils.translation import translate_stored

from .styles import CLASSES, COLORMAPS, default_style

_LATER_FIELDS = {
    "kept": False, "converted_because": "", "footprint": None, "transform": None,
    "acquired_at": None, "values": "continuous",
}  # fmt: skip
_LATER_OF_CRS = {"accuracy": None, "missing_grid": ""}
_LATER_OF_BANDS = {"common_name": "", "valid_count": None, "classes": None}


def raster_links(
    request_id: UUID, version: int, token: str | None = None, *, kind: str = "rasters"
) -> dict[str, str]:
    """Return the addresses by what they lead to, as paths.

    Args:
        version: of the result; it makes the addresses of tiles and preview good for ever.
        token: of a share; the addresses then need no sign-in.
        kind: of the request.
    """

    tile = reverse("raster-tile", kwargs={"id": str(request_id), "z": 0, "x": 0, "y": 0})
    before, after = tile.split("tiles/")[0], f"{request_id}/"
    if token is not None:
        before, after = reverse("raster-shared", kwargs={"token": token}).rstrip("/") + "/", ""
    own = f"{kind}/" if token is None and kind != "rasters" else ""
    names = ("tilejson", "wmts", "stac", "point", "profile", "statistics")
    return {
        **{name: f"{before}{name}/{after}" for name in names},
        # To GDAL, and so to QGIS, an address that ends in a slash is a folder.
        "download-cog": f"{before}{own}download-cog/{after}".rstrip("/"),
        "preview": f"{before}preview/{after}?v={version}",
        "tiles": f"{before}tiles/{after}{{z}}/{{x}}/{{y}}?v={version}",
    }


def version_of(result: Any) -> int:
    """Return what differs between any two states of a raster's pixels and colours."""
    return int(result.attempt) + 1000 * int(result.data.get("revision", 0))


def present_result(result: Any, token: str | None = None) -> dict[str, Any]:
    """Return what `results/<id>/` answers with, for the owner or for whoever has a link."""
    request, cog = result.request, result.files["cog"]
    # What results of earlier releases do not have.
    data = _LATER_FIELDS | result.data
    because = translate_stored(data["converted_because"], data.pop("because_made_of", None))
    data["crs"] = _LATER_OF_CRS | data["crs"]
    data["bands"] = [_LATER_OF_BANDS | band for band in data["bands"]]
    links = raster_links(request.id, version_of(result), token, kind=request.kind)
    style = default_style(data["bands"])
    return {
        "id": str(request.id),
        "name": request.name,
        "input_name": request.input_name,
        "input_size": request.input_size,
        "output_size": cog["size"],
        "sha256": cog["sha256"],
        **data,
        "converted_because": because,
        "seconds": _seconds(request),
        "style": {
            "bands": style.bands,
            "ranges": style.ranges,
            "colormap": CLASSES if style.classes else style.colormap,
        },
        "colormaps": COLORMAPS,
        "tiles": {"url_template": links["tiles"], "minzoom": 0, "maxzoom": data["maxzoom"]},
        "links": {name.replace("-", "_"): path for name, path in links.items() if name != "tiles"},
        "download_url": links["download-cog"],
    }


def _seconds(request: Any) -> float | None:
    if not (request.started_at and request.finished_at):
        return None
    return round((request.finished_at - request.started_at).total_seconds(), 3)
