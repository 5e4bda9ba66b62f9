"""Maps that are shown below rasters: what MAP_BASEMAPS may say, and what the page needs for it."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = (
    '[{"name": "Streets", "url": "https://tiles.example.org/{z}/{x}/{y}.png", '
    '"attribution": "© Example"}]'
)
# Nothing that could end a source of the Content-Security-Policy, and no password.
URL = re.compile(
    r"(?:(https?://[a-z0-9.-]+(?::[0-9]{1,5})?))?/(?!/)[^\s\"'<>\\^`|;,]*", re.IGNORECASE
)
PLACEHOLDER = re.compile(r"\{(-?\w*)\}")

Kind = Literal["xyz", "pmtiles", "wmts"]


@dataclass(frozen=True)
class Basemap:
    """One of them. `max_zoom`: of its tiles, above which they are enlarged; 0 where it says so.

    `layer`: of a WMTS. `origins`: where its tiles are, when it is not where its capabilities are.
    """

    name: str
    url: str
    attribution: str
    kind: Kind
    layer: str
    max_zoom: int
    origins: tuple[str, ...]

    def sources(self) -> dict[str, list[str]]:
        """Return the origins that the page has to be let to, by directive."""
        origins = {*self.origins, *_origin(self.url)}
        directives = {
            "xyz": ["img-src"], "pmtiles": ["connect-src"], "wmts": ["img-src", "connect-src"]
        }  # fmt: skip
        return {directive: sorted(origins) for directive in directives[self.kind]}

    def for_page(self) -> dict[str, Any]:
        """Return what the page reads."""
        return {name: value for name, value in asdict(self).items() if name != "origins" and value}


def read_basemaps(text: str) -> list[Basemap]:
    """Return what MAP_BASEMAPS says.

    Raises:
        ImproperlyConfigured: with what is wrong and what to write.
    """
    if not text.strip():
        return []
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _wrong(f"is not JSON ({error})") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _wrong("is not a list of objects")
    basemaps = [_read(one) for one in found]
    names = [one.name for one in basemaps]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _wrong(f"has two basemaps with the name {twice!r}: give each its own")
    return basemaps


def _read(given: dict[str, Any]) -> Basemap:
    name = _text(given, "name", "a basemap", 60)
    which = f"the basemap {name!r}"
    known = {"name", "url", "attribution", "layer", "max_zoom", "origins"}
    if unknown := sorted(given.keys() - known):
        raise _wrong(f"gives {which} {unknown[0]!r}; there are {', '.join(sorted(known))}")
    url = _text(given, "url", which, 2000)
    attribution = _text(given, "attribution", which, 300)
    if not URL.fullmatch(url):
        raise _wrong(
            f"gives {which} the url {url!r}: write https://, the host, and a path without spaces, "
            "quotes, commas or semicolons, or the path of a file on this site"
        )
    kind = _kind(url, which, given)
    layer = _text(given, "layer", which, 200) if kind == "wmts" else ""
    max_zoom = given.get("max_zoom", 0)
    if type(max_zoom) is not int or not 0 <= max_zoom <= 24 or (max_zoom and kind != "xyz"):
        raise _wrong(f"gives {which} a max_zoom: it is a number from 1 to 24, of XYZ tiles only")
    origins = given.get("origins", [])
    if not isinstance(origins, list) or any(_origin(f"{one}/") != [one] for one in origins):
        raise _wrong(f"gives {which} origins: write a list such as ['https://tiles.example.org']")
    if origins and kind != "wmts":
        raise _wrong(f"gives {which} origins: only a WMTS has tiles elsewhere than at its url")
    return Basemap(name, url, attribution, kind, layer, max_zoom, tuple(origins))


def _kind(url: str, which: str, given: dict[str, Any]) -> Kind:
    """Return what the url leads to, or say what is missing in it."""
    placeholders = set(PLACEHOLDER.findall(url))
    if placeholders in ({"z", "x", "y"}, {"z", "x", "-y"}):
        if "layer" in given:
            raise _wrong(f"gives {which} a layer: only a WMTS has layers")
        return "xyz"
    if "{" in url or "}" in url:
        raise _wrong(
            f"gives {which} a url with {'{'}…{'}'}: XYZ tiles have all of {{z}}, {{x}} and {{y}} "
            "(or {-y}), once or more, and nothing else in braces; take one of several hosts"
        )
    if urlsplit(url).path.endswith(".pmtiles"):
        return "pmtiles"
    if "layer" not in given:
        raise _wrong(
            f"gives {which} a url that is neither of XYZ tiles, with {{z}}/{{x}}/{{y}} in it, nor "
            "of a .pmtiles file. If it is that of a WMTS's capabilities, name its layer, too"
        )
    return "wmts"


def _text(given: dict[str, Any], member: str, which: str, longest: int) -> str:
    value = given.get(member)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= longest:
        raise _wrong(f"gives {which} no {member}: write a text of at most {longest} characters")
    return value.strip()


def _origin(url: str) -> list[str]:
    """Return the origin of a URL; none of a path."""
    found = URL.fullmatch(url)
    return [found[1].lower()] if found and found[1] else []


def _wrong(what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"MAP_BASEMAPS {what}. For example: MAP_BASEMAPS='{EXAMPLE}'")
