"""Detection of changes to an OpenAPI schema that break clients of the previous one.

`python -m scripts.contract.breaking OLD.json NEW.json` prints a line for each and ends with 1 if
there are any. Removed is what could be called, sent or read before; narrowed is input that was
accepted before and is not now, and output that may be less than it was. More choices in an answer
are no break: clients are to expect values they do not know. Knows what drf-spectacular writes
(OpenAPI 3.0), not all of JSON Schema; what it does not know counts as a break when it changes.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
EXACT = ("pattern", "format", "not", "multipleOf", "uniqueItems")
INPUT, OUTPUT = "input", "output"


def _plain(value: Any) -> Any:
    r"""Return a pattern in one spelling: in a schema `\d` is 0 to 9, and nothing else."""
    return value.replace(r"\d", "[0-9]") if isinstance(value, str) else value


def version_of(text: str) -> tuple[int, ...]:
    """Return 1.12.0 as (1, 12, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def may_break(old: str, new: str) -> bool:
    """Return whether a version announces a break: its first number that is not 0 is higher."""
    first, second = version_of(old), version_of(new)
    place = next((i for i, part in enumerate(first) if part), len(first) - 1)
    return second[: place + 1] > first[: place + 1]


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return a sentence for each break."""
    return list(dict.fromkeys(_Comparison(old, new).run()))


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self.old, self.new = old, new
        self.under_way: set[tuple[str, str, str]] = set()

    def run(self) -> Iterator[str]:
        for path, operations in self.old["paths"].items():
            others = self.new["paths"].get(path)
            if others is None:
                yield f"{path}: removed"
                continue
            for method, operation in operations.items():
                where = f"{method.upper()} {path}"
                if method in others:
                    yield from self.operation(where, operation, others[method])
                else:
                    yield f"{where}: removed"

    def operation(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{where}: operationId changed"
        if {} in old.get("security", [{}]) and {} not in new.get("security", [{}]):
            yield f"{where}: needs a sign-in now"
        yield from self.parameters(where, old, new)
        yield from self.body(where, old.get("requestBody"), new.get("requestBody"))
        for code, answer in old["responses"].items():
            if not code.startswith("2"):
                continue
            other = new["responses"].get(code)
            if other is None:
                yield f"{where}: answer {code} removed"
                continue
            contents = other.get("content", {})
            for kind, content in answer.get("content", {}).items():
                if kind not in contents:
                    yield f"{where}: {kind} of answer {code} removed"
                else:
                    at = f"{where}: answer {code}"
                    yield from self.schema(at, content["schema"], contents[kind]["schema"], OUTPUT)

    def parameters(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        before = {(p["in"], p["name"]): p for p in old.get("parameters", [])}
        now = {(p["in"], p["name"]): p for p in new.get("parameters", [])}
        for key, parameter in now.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{where}: {key[1]} is required now"
        for key, parameter in before.items():
            if key not in now:
                yield f"{where}: {key[1]} removed"
            else:
                at = f"{where}: {key[1]}"
                yield from self.schema(at, parameter["schema"], now[key]["schema"], INPUT)

    def body(self, where: str, old: Schema | None, new: Schema | None) -> Iterator[str]:
        if new and new.get("required") and not (old and old.get("required")):
            yield f"{where}: a body is required now"
        for kind, content in (old or {}).get("content", {}).items():
            other = (new or {}).get("content", {}).get(kind)
            if other is None:
                yield f"{where}: {kind} is not taken any more"
            else:
                yield from self.schema(f"{where}: body", content["schema"], other["schema"], INPUT)

    def resolve(self, document: Schema, schema: Schema) -> Schema:
        """Follow references, also those that stand in an `allOf` for the sake of a sibling."""
        reference = schema.get("$ref")
        if reference is None and len(schema.get("allOf", [])) == 1:
            rest = {name: value for name, value in schema.items() if name != "allOf"}
            return self.resolve(document, schema["allOf"][0]) | rest
        if reference is None:
            return schema
        return self.resolve(document, document["components"]["schemas"][reference.split("/")[-1]])

    def schema(self, where: str, old: Schema, new: Schema, way: str) -> Iterator[str]:
        key = (json.dumps(old, sort_keys=True), json.dumps(new, sort_keys=True), way)
        if key in self.under_way:  # a schema that contains itself
            return
        self.under_way.add(key)
        yield from self.compare_resolved(
            where, self.resolve(self.old, old), self.resolve(self.new, new), way
        )
        self.under_way.discard(key)

    def compare_resolved(self, where: str, old: Schema, new: Schema, way: str) -> Iterator[str]:
        if old.get("type") != new.get("type"):
            yield f"{where}: type changed"
            return
        was, now = bool(old.get("nullable")), bool(new.get("nullable"))
        if was != now and now == (way == OUTPUT):
            yield f"{where}: {'may be null now' if now else 'may not be null any more'}"
        for choice in ("oneOf", "anyOf", "allOf"):
            yield from self.choices(f"{where} {choice}", old, new, choice, way)
        if way == INPUT:
            yield from self.find_narrowed(where, old, new)
        before, present = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name in present:
                yield from self.schema(f"{where}.{name}", schema, present[name], way)
            elif way == OUTPUT or new.get("additionalProperties") is False:
                yield f"{where}.{name}: removed"
        first, second = set(old.get("required", [])), set(new.get("required", []))
        if way == INPUT:
            yield from (f"{where}.{name}: is required now" for name in sorted(second - first))
        else:
            missing = sorted((first - second) & set(present))
            yield from (f"{where}.{name}: may be missing now" for name in missing)
        if "items" in old:
            yield from self.schema(f"{where}[]", old["items"], new.get("items", {}), way)
        extra, other = old.get("additionalProperties"), new.get("additionalProperties")
        if isinstance(extra, dict) and isinstance(other, dict):
            yield from self.schema(f"{where}.*", extra, other, way)

    def choices(self, where: str, old: Schema, new: Schema, name: str, way: str) -> Iterator[str]:
        def options(document: Schema, schema: Schema) -> set[str]:
            resolved = [self.resolve(document, option) for option in schema.get(name, [])]
            return {json.dumps(_bare(option), sort_keys=True) for option in resolved}

        before, now = options(self.old, old), options(self.new, new)
        if before == now:
            return
        if name == "allOf" or not before or not now or (way == INPUT and before - now):
            yield f"{where}: changed"

    def find_narrowed(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        if "enum" in new:
            gone = [v for v in old.get("enum", []) if v not in new["enum"]]
            if "enum" not in old or gone:
                yield f"{where}: takes less: {gone or new['enum']}"
        for name in LOWER:
            if name in new and (name not in old or new[name] > old[name]):
                yield f"{where}: {name} is {new[name]} now"
        for name in UPPER:
            if name in new and (name not in old or new[name] < old[name]):
                yield f"{where}: {name} is {new[name]} now"
        for name in EXACT:
            if name not in new or _plain(new[name]) == _plain(old.get(name)):
                continue
            choices = old.get("enum", [None]) if name == "pattern" else [None]
            if not all(isinstance(v, str) and re.search(new[name], v) for v in choices):
                yield f"{where}: {name} changed"
        if new.get("additionalProperties") is False and old.get("additionalProperties", True):
            yield f"{where}: takes no other members any more"


def _bare(schema: Schema) -> Schema:
    return {name: v for name, v in schema.items() if name not in {"description", "title"}}


def main() -> int:
    old, new = (json.loads(Path(name).read_text()) for name in sys.argv[1:3])
    found = breaks(old, new)
    print("\n".join(found) or "nothing breaks")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
