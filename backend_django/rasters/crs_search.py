"""Coordinate reference systems by their names, as PROJ's database has them."""

import re
from functools import cache

MOST = 20


def find_crs(text: str) -> list[dict[str, str]]:
    """Return systems whose code, name and area have all the words, the likeliest first."""
    words = text.lower().replace(":", " ").split()
    found = [
        (rank, entry)
        for searched, entry in _entries()
        if (rank := _rank(words, searched, entry["name"].lower())) is not None
    ]
    found.sort(key=lambda pair: pair[0])
    return [entry for _, entry in found[:MOST]]


def _rank(words: list[str], searched: str, name: str) -> tuple[bool, bool, bool, int] | None:
    """Return what sorts a system: its number first, then words of its name, WGS 84, short names."""
    if not all(_begins(word, searched) for word in words):
        return None
    is_code = all(word in searched.split()[:2] for word in words)
    is_name = all(_begins(word, name) for word in words)
    return not is_code, not is_name, not name.startswith("wgs 84"), len(name)


def _begins(word: str, text: str) -> bool:
    """Say whether a word of the text begins so: 32 is in "UTM zone 32N", not in "zone 132"."""
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}", text) is not None


@cache
def _entries() -> list[tuple[str, dict[str, str]]]:
    from pyproj.database import query_crs_info  # a tenth of a second, and then a second
    from pyproj.enums import PJType

    kinds = [PJType.PROJECTED_CRS, PJType.GEOGRAPHIC_2D_CRS]
    entries = []
    for authority in ("EPSG", "ESRI"):
        for info in query_crs_info(authority, kinds, allow_deprecated=False):
            area = (info.area_of_use and info.area_of_use.name) or ""
            entry: dict[str, str] = {
                "code": f"{authority}:{info.code}",
                "name": info.name or "",
                "area": area,
            }
            searched = f"{authority} {info.code} {info.name} {area}".lower()
            entries.append((searched, entry))
    return entries
