"""Writes the files of a feature: rows as a copy of the example, a job from templates."""

import re
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from scripts.environment import FRONTEND, ROOT
from scripts.feature.copy import copy_example
from scripts.feature.example import example
from scripts.feature.fields import Field
from scripts.feature.spec import Spec

TEMPLATES = Path(__file__).parent / "templates"
ENGINE = Engine(autoescape=False)


def render(template: Path, values: dict[str, Any]) -> str:
    """Fill a template. A line that has only a tag of the template language leaves no line."""
    text = re.sub(r"(?m)^[ \t]*(\{%[^{}\n]*%\})[ \t]*\n", r"\1", template.read_text("utf-8"))
    text = ENGINE.from_string(text).render(Context(values, autoescape=False))
    text = re.sub(r", +([\])}])|,(\])", r"\1\2", text)  # a comma at the end keeps a list upright
    text = re.sub(r"(?m)(?<=\w), $", "", text)
    return re.sub(r"\n{4,}", "\n\n\n", text).lstrip("\n").rstrip() + "\n"


def folders(spec: Spec) -> tuple[Path, Path]:
    """Return where the feature's backend and its pages are."""
    return ROOT / "backend_django" / spec.name, FRONTEND / "src" / "features" / spec.name


def write(spec: Spec, service: str = "") -> None:
    """Write all but the migration, which Django makes from the models."""
    backend, page = folders(spec)
    if spec.kind == "crud":
        copy_example(spec, example(), (backend, page))
        return
    values = job_values(spec, service)
    for package in ("", "api", "tests"):
        (backend / package).mkdir(parents=True)
        (backend / package / "__init__.py").touch()
    for template in (TEMPLATES / "backend").rglob("*.tmpl"):
        target = backend / template.relative_to(TEMPLATES / "backend").with_suffix("")
        target.write_text(render(template, values), "utf-8")
    page.mkdir(parents=True)
    for template in (TEMPLATES / "page").glob("*.tmpl"):
        name = template.stem
        made = f"{spec.cls}{name}" if name.endswith("Page.vue") else name
        (page / made).write_text(render(template, values), "utf-8")


def field_values(field: Field) -> dict[str, Any]:
    """Return what templates ask a parameter for."""
    names = ("name", "type", "choices", "unique", "label", "required", "sortable", "is_text",
             "enum", "annotation")  # fmt: skip
    values: dict[str, Any] = {name: getattr(field, name) for name in names}
    values["shown_label"] = field.label if field.required else f"{field.label} optional"
    values["max_length"] = field.max_length and str(field.max_length)
    typed = field.sample(0) if field.sample(0).startswith('"') else f'"{field.sample(0)}"'
    return values | {
        "first": field.sample(0),
        "second": field.sample(1),
        "typed": '"2026-03-01T08:00"' if field.type == "datetime" else typed,
        "parameter_code": field.parameter_code,
    }


def feature_values(spec: Spec) -> dict[str, Any]:
    words = spec.name.replace("_", " ")
    return {
        "name": spec.name, "cls": spec.cls, "title": spec.title, "var": spec.var,
        "words": words.title(), "thing": f"{words} request",
    }  # fmt: skip


def job_values(spec: Spec, service: str) -> dict[str, Any]:
    parameters = [field_values(field) for field in spec.parameters]
    return {
        "feature": feature_values(spec),
        "parameters": parameters,
        "strict": sorted(
            {f.spec.serializer.partition("(")[0] for f in spec.parameters if f.is_strict}
        ),
        "annotated": any(field.annotation for field in spec.parameters),
        "service": service,
        "file": spec.inputs.is_usual,
        "input": input_values(spec) if spec.inputs.key and not spec.inputs.is_usual else None,
        "by_drop": spec.inputs.key and spec.inputs.by_drop,
        "description": "Upload a text and get the result."
        if spec.inputs.is_usual
        else "Send files and get the result."
        if spec.inputs.key
        else "Fill in a form and get the result.",
    }


def input_values(spec: Spec) -> dict[str, Any]:
    """Return what templates ask the files of a job for."""
    inputs = spec.inputs
    names = ("key", "many", "required", "accept", "code", "sample")
    label = "Files" if inputs.many else "File"
    return {name: getattr(inputs, name) for name in names} | {
        "label": label,
        "shown_label": label if inputs.required else f"{label} optional",
        "endings": join(list(inputs.accept), "or"),
    }


def join(words: list[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""
