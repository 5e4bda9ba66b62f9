"""Text from anywhere, made fit to be stored."""


def clean_text(text: object, limit: int = 2000) -> str:
    """Return any text without NUL and lone surrogates, which no database takes, and bounded."""
    cleaned = str(text).replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"
