"""A raster in the words of others: STAC Item, TileJSON, WMTS capabilities. No pixels are read."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.timezone import localtime

from backend_django.utils.text import escape_xml

from .tile_grid import HALF_WORLD, tile_range

_PIXEL = 0.00028  # metres: the size of a pixel that WMTS reckons scales with
_SAME = 70  # percent: how sure PROJ must be that a CRS is that of a code
_NUMBERS = {"minimum": "minimum", "maximum": "maximum", "mean": "mean", "stddev": "std"}


def bbox(bounds: list[float]) -> list[float]:
    """Return west, south, east, north with east within 180 degrees, as RFC 7946 wants it."""
    west, south, east, north = bounds
    return [west, south, east - 360 if east > 180 else east, north]


def stac_item(result: Any, links: Mapping[str, str]) -> dict[str, Any]:
    """Return a STAC Item (1.1) of a raster; `links` are absolute."""
    data, request = result.data, result.request
    asset: dict[str, Any] = {
        "href": links["download-cog"],
        "title": "Cloud-Optimized GeoTIFF",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "bands": [_stac_band(b, data["width"] * data["height"]) for b in data["bands"]],
        "data_type": _stac_type(data["dtype"]),
    }
    if data["nodata"] is not None:
        asset["nodata"] = _stac_number(data["nodata"])
    west, south, east, north = data["bounds"]
    outline = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
            "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
            "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
            "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
        ],
        "id": str(request.id),
        "geometry": data.get("footprint") or {"type": "Polygon", "coordinates": [outline]},
        "bbox": bbox(data["bounds"]),
        "properties": {
            "title": request.name,
            # The upload's where the file tells none: a search finds no item without.
            "datetime": data.get("acquired_at") or localtime(request.created_at).isoformat(),
            "created": localtime(request.created_at).isoformat(),
            "updated": localtime(result.created_at).isoformat(),
            **_projection(data),
        },
        "links": [
            {"rel": "self", "href": links["stac"], "type": "application/geo+json"},
            {"rel": "tilejson", "href": links["tilejson"], "type": "application/json"},
            {"rel": "wmts", "href": links["wmts"], "type": "application/xml"},
        ],
        "assets": {
            "cog": asset,
            "thumbnail": {
                "href": links["preview"], "type": "image/webp", "roles": ["thumbnail"],
            },
        },
    }  # fmt: skip


def _projection(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of STAC's projection extension."""
    from pyproj import CRS  # takes a tenth of a second

    crs, width, height = CRS.from_wkt(data["crs"]["wkt"]), data["width"], data["height"]
    epsg = data["crs"]["epsg"]
    authority = ("EPSG", str(epsg)) if epsg else crs.to_authority(min_confidence=_SAME)
    found: dict[str, Any] = {
        "proj:code": ":".join(authority) if authority else None,
        "proj:shape": [height, width],
    }
    if not authority:
        found["proj:wkt2"] = crs.to_wkt("WKT2_2019")
    if transform := data.get("transform"):
        a, b, c, d, e, f = transform
        x, y = zip(
            *(
                (a * column + b * row + c, d * column + e * row + f)
                for column in (0, width)
                for row in (0, height)
            ),
            strict=True,
        )
        found["proj:transform"] = transform
        found["proj:bbox"] = [min(x), min(y), max(x), max(y)]
    return found


def _stac_band(band: Mapping[str, Any], pixels: int) -> dict[str, Any]:
    numbers = {
        name: _stac_number(band[ours]) for name, ours in _NUMBERS.items() if band[ours] is not None
    }
    # Those of early releases were of an overview.
    if count := band.get("valid_count"):
        numbers |= {"count": count, "valid_percent": 100 * count / pixels}
    found = {
        "name": band["description"] or f"b{band['index']}",
        "data_type": _stac_type(band["dtype"]),
        "unit": band["unit"],
        "statistics": numbers,
        "eo:common_name": band.get("common_name"),
        "raster:scale": band["scale"] if band["scale"] != 1 else None,
        "raster:offset": band["offset"] or None,
        "raster:histogram": _stac_histogram(band["histogram"]),
        "classification:classes": [_stac_class(one) for one in band.get("classes") or ()],
    }
    return {name: value for name, value in found.items() if value}


def _stac_histogram(histogram: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if histogram is None:
        return None
    counts, (low, high) = histogram["counts"], histogram["edges"]
    return {"count": len(counts), "min": low, "max": high, "buckets": counts}


def _stac_class(one: Mapping[str, Any]) -> dict[str, Any]:
    name = re.sub(r"[^0-9A-Za-z_-]+", "-", one["name"]).strip("-")
    found = {
        "value": one["value"],
        "name": name or f"class-{one['value']}",
        "title": one["name"],
        "color_hint": one["colour"].upper(),
        "count": one["count"],
    }
    return {key: value for key, value in found.items() if value != ""}


def _stac_number(value: float | str) -> float | str:
    """Return a number of ours in STAC's words: whole numbers have any number of digits there."""
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value


def _stac_type(dtype: str) -> str:
    names = {"complex_int16": "cint16", "complex64": "cfloat32", "complex128": "cfloat64"}
    return names.get(dtype, dtype)


def tilejson(result: Any, links: Mapping[str, str]) -> dict[str, Any]:
    """Return a TileJSON document (3.0); `links` are absolute."""
    west, south, east, north = result.data["bounds"]
    bounds = [-180.0, south, 180.0, north] if east > 180 else [west, south, east, north]
    middle = (west + east) / 2
    return {
        "tilejson": "3.0.0",
        "name": result.request.name,
        "version": f"{result.attempt}.{result.data.get('revision', 0)}.0",
        "scheme": "xyz",
        "tiles": [links["tiles"]],
        "minzoom": 0,
        "maxzoom": result.data["maxzoom"],
        "bounds": bounds,
        "center": [middle - 360 if middle > 180 else middle, (south + north) / 2, 0],
    }


def wmts_capabilities(result: Any, links: Mapping[str, str]) -> str:
    """Return a WMTS 1.0.0 capabilities document (RESTful encoding); `links` are absolute."""
    title = escape_xml(result.request.name)
    west, south, east, north = tilejson(result, links)["bounds"]
    zooms = range(result.data["maxzoom"] + 1)
    template = links["tiles"]
    for ours, theirs in (("{z}", "{TileMatrix}"), ("{x}", "{TileCol}"), ("{y}", "{TileRow}")):
        template = template.replace(ours, theirs)
    limits, matrices = [], []
    for zoom in zooms:
        columns, rows = tile_range(result.data["bounds"], zoom)
        if columns[-1] >= 2**zoom or columns[0] < 0:  # across the antimeridian
            columns = range(2**zoom)
        limits.append(
            f"<TileMatrixLimits><TileMatrix>{zoom}</TileMatrix>"
            f"<MinTileRow>{rows[0]}</MinTileRow><MaxTileRow>{rows[-1]}</MaxTileRow>"
            f"<MinTileCol>{columns[0]}</MinTileCol><MaxTileCol>{columns[-1]}</MaxTileCol>"
            "</TileMatrixLimits>"
        )
        scale = 2 * HALF_WORLD / 256 / 2**zoom / _PIXEL
        matrices.append(
            f"<TileMatrix><ows:Identifier>{zoom}</ows:Identifier>"
            f"<ScaleDenominator>{scale:.10f}</ScaleDenominator>"
            f"<TopLeftCorner>{-HALF_WORLD} {HALF_WORLD}</TopLeftCorner>"
            "<TileWidth>256</TileWidth><TileHeight>256</TileHeight>"
            f"<MatrixWidth>{2**zoom}</MatrixWidth><MatrixHeight>{2**zoom}</MatrixHeight>"
            "</TileMatrix>"
        )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"
 xmlns:xlink="http://www.w3.org/1999/xlink" version="1.0.0">
<ows:ServiceIdentification>
<ows:Title>{title}</ows:Title>
<ows:ServiceType>OGC WMTS</ows:ServiceType>
<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>
</ows:ServiceIdentification>
<Contents>
<Layer>
<ows:Title>{title}</ows:Title>
<ows:WGS84BoundingBox>
<ows:LowerCorner>{west} {south}</ows:LowerCorner><ows:UpperCorner>{east} {north}</ows:UpperCorner>
</ows:WGS84BoundingBox>
<ows:Identifier>{result.request.id}</ows:Identifier>
<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>
<Format>image/png</Format>
<TileMatrixSetLink><TileMatrixSet>GoogleMapsCompatible</TileMatrixSet>
<TileMatrixSetLimits>{"".join(limits)}</TileMatrixSetLimits></TileMatrixSetLink>
<ResourceURL format="image/png" resourceType="tile" template="{escape_xml(template)}"/>
</Layer>
<TileMatrixSet>
<ows:Identifier>GoogleMapsCompatible</ows:Identifier>
<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>
<WellKnownScaleSet>urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible</WellKnownScaleSet>
{"".join(matrices)}
</TileMatrixSet>
</Contents>
<ServiceMetadataURL xlink:href="{escape_xml(links["wmts"])}"/>
</Capabilities>
"""
