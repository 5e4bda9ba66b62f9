"""Fill the placeholders of the built index.html with the values of this environment.

The placeholders stand in index.html alone; every other built file has its content's hash in its
name and is never changed. So one image serves every environment, from a disk it cannot write.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

PLACEHOLDER = re.compile(r"VITE_APP_([A-Z0-9_]+?)_PLACEHOLDER")
DATA_BLOCK = re.compile(
    r'(?P<open><script type="application/json" id="app-env">)(?P<json>.*?)(?P<close></script>)',
    re.DOTALL,
)
# What a module has for the page, beside it: left out where it has been told nothing.
MODULE_SCRIPT = re.compile(r'\s*<script\b[^>]* data-module="(\w+)"[^>]*></script>')
ADDRESSES = re.compile(r'<meta name="addresses" content="([^"]*)"')
INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
BASE_URL = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?::[0-9]+)?)?(?:/[A-Za-z0-9._~-]+)*/")
BASE_URLS = ("STATIC_ROOT", "API_ROOT")

# In a script element only these can end it or be read as something else; JSON allows the escapes.
JSON_IN_HTML = str.maketrans({c: f"\\u{ord(c):04x}" for c in ("<", ">", "&", "\u2028", "\u2029")})


class RuntimeEnvError(ValueError):
    """A value of the environment cannot go into the page; the text says which and what to do."""


@dataclass(frozen=True)
class Page:
    """The filled page, and the CSP sources ('sha256-…') that let its inline scripts run.

    addresses: the first parts of the addresses that it has something for; None if it does not say.
    """

    html: str
    script_sources: tuple[str, ...]
    addresses: frozenset[str] | None = None

    def has(self, path: str) -> bool:
        """Return whether the page has something to show at this path."""
        first = path.split("/")[1]
        return not first or self.addresses is None or first in self.addresses


def render(template: str, values: Mapping[str, str]) -> Page:
    """Fill `template`; `values` has one entry for each NAME in VITE_APP_<NAME>_PLACEHOLDER.

    Raises:
        RuntimeEnvError: a value is missing, or a base URL is not one.
    """
    for name in BASE_URLS:
        _check_base_url(name, values.get(name, ""))
    told = json.loads(values.get("MODULES", "{}"))
    template = MODULE_SCRIPT.sub(lambda one: one[0] if one[1] in told else "", template)

    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise RuntimeEnvError(
                f"index.html asks for VITE_APP_{match[1]}, which has no value."
            ) from None

    def fill_text(text: str) -> str:
        return PLACEHOLDER.sub(lambda match: html.escape(value(match)), text)

    def fill_block(block: re.Match[str]) -> str:
        data = {
            key: PLACEHOLDER.sub(value, text) for key, text in json.loads(block["json"]).items()
        }
        return block["open"] + json.dumps(data).translate(JSON_IN_HTML) + block["close"]

    # Each part is filled once: a value that looks like a placeholder stays what it is.
    parts, end = [], 0
    for block in DATA_BLOCK.finditer(template):
        parts += [fill_text(template[end : block.start()]), fill_block(block)]
        end = block.end()
    page = "".join([*parts, fill_text(template[end:])])
    named = ADDRESSES.search(template)
    return Page(
        page,
        tuple(_csp_hash(script) for script in INLINE_SCRIPT.findall(page)),
        frozenset(named[1].split()) if named else None,
    )


def _check_base_url(name: str, value: str) -> None:
    if not BASE_URL.fullmatch(value):
        raise RuntimeEnvError(
            f"VITE_APP_{name} must be a path such as /static/vue/ or an address such as "
            f"https://cdn.example.org/vue/, with a slash at the end. It is {value!r}."
        )


def _csp_hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
