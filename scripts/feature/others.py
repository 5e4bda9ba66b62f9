"""The models of other features, to which one may refer."""

import re

from scripts.feature.names import BACKEND, NAME, camel


def offers(feature: str, model: str) -> bool:
    """Return whether a feature lets others refer to its model."""
    public = BACKEND / feature / "public.py"
    return bool(
        NAME.fullmatch(model)
        and public.exists()
        and re.search(rf"\b{camel(model)}\b", public.read_text("utf-8"))
    )


def is_private(feature: str, model: str) -> bool:
    """Return whether only their owner sees the rows of a model of another feature."""
    folder = BACKEND / feature
    sources = [folder / "models.py", *sorted((folder / "models").glob("*.py"))]
    text = "\n".join(path.read_text("utf-8") for path in sources if path.exists())
    body = re.search(rf"(?ms)^class {camel(model)}\b.*?(?=^[\w@]|\Z)", text)
    found = body[0] if body else ""
    return bool(re.search(r"(?m)^    owner\b.*=", found)) and not re.search(
        r"(?m)^    seen_by_all\b.*= True", found
    )
