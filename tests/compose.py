"""What a compose file of this repository says in all, with what it includes and extends."""

from pathlib import Path
from typing import Any

import yaml

from tests.stack import ROOT

Tree = dict[str, Any]


def files(name: str) -> list[Path]:
    """The file, and those that it includes."""
    content = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    included = [path for entry in content.get("include", []) for path in entry["path"]]
    return [ROOT / name, *(ROOT / path for path in included)]


def read(name: str) -> Tree:
    """The content of a file, as compose would merge it; variables are as they are written."""
    merged: Tree = {}
    for path in files(name):
        merged = _merge(merged, _extended(path))
    return merged


def _extended(path: Path) -> Tree:
    content: Tree = yaml.safe_load(path.read_text(encoding="utf-8"))

    def extend(service: Tree) -> Tree:
        base = service.get("extends")
        if not base:
            return service
        own = {key: value for key, value in service.items() if key != "extends"}
        if isinstance(base, str):
            return _merge(extend(content["services"][base]), own)
        return _merge(_extended(ROOT / base["file"])["services"][base["service"]], own)

    services = {name: extend(one) for name, one in content.get("services", {}).items()}
    return content | ({"services": services} if services else {})


def _merge(first: Tree, second: Tree) -> Tree:
    """Mappings and lists grow; but for commands, where the second one counts."""
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            value = _merge(before, value)
        elif isinstance(before, list) and key not in {"command", "entrypoint", "test"}:
            value = before + value
        merged[key] = value
    return merged
