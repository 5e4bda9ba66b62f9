"""Text from anywhere, made fit to be stored and shown."""

import re
from xml.sax.saxutils import escape

# Characters that no XML 1.0 document can hold, escaped or not (its production Char).
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Control characters, surrogates and noncharacters: nothing that a person could read.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_REPLACEMENT = "\ufffd"


def clean_text(text: object, limit: int = 2000) -> str:
    """Return any text without NUL and lone surrogates, which no database takes, and bounded."""
    cleaned = str(text).replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def cut_middle(text: str, limit: int = 20_000) -> str:
    """Return text without its middle if it is too long for a log."""
    return text if len(text) <= limit else f"{text[: limit // 2]}\n…\n{text[-limit // 2 :]}"


def clean_label(raw: bytes | str, limit: int = 200) -> str:
    """Return a name out of a file as one bounded line of text.

    Bytes that are not UTF-8 are taken for Windows-1252, which older programs write. What cannot be
    shown becomes a replacement character.
    """
    if isinstance(raw, str):
        text = raw
    else:
        try:
            text = raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
    spaced = re.sub(r"\s+", " ", text).strip()
    return clean_text(_UNPRINTABLE.sub(_REPLACEMENT, spaced), limit)


def escape_xml(text: str) -> str:
    """Return text for an element or an attribute of XML.

    Characters that XML cannot hold in any form become the replacement character.
    """
    return escape(_NOT_XML.sub(_REPLACEMENT, text), {'"': "&quot;"})
