"""Writes the files of a feature from the templates beside this file."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.template import Context, Engine

from scripts.environment import FRONTEND, ROOT
from scripts.feature.fields import Field
from scripts.feature.spec import Model, Spec, in_order, lower_camel

TEMPLATES = Path(__file__).parent / "templates"
BACKEND_PACKAGES = {"crud": ("", "api", "migrations", "tests"), "job": ("", "api", "tests")}
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
    values = job_values(spec, service) if spec.kind == "job" else crud_values(spec)
    for package in BACKEND_PACKAGES[spec.kind]:
        (backend / package).mkdir(parents=True)
        (backend / package / "__init__.py").touch()
    source = TEMPLATES / spec.kind
    for template in (source / "backend").rglob("*.tmpl"):
        target = backend / template.relative_to(source / "backend").with_suffix("")
        target.write_text(render(template, values), "utf-8")
    page.mkdir(parents=True)
    for template in (source / "page").glob("*.tmpl"):
        name = template.stem
        if not name.endswith("Page.vue"):
            (page / name).write_text(render(template, values), "utf-8")
        elif spec.kind == "job":
            (page / f"{spec.cls}{name}").write_text(render(template, values), "utf-8")
        else:
            for model in values["models"]:
                made = render(template, values | {"model": model})
                (page / f"{model['cls']}{name}").write_text(made, "utf-8")
    for model in spec.models:
        if not model.owned and not model.refs:
            write_fixture(spec, model, backend / "fixtures")


def write_fixture(spec: Spec, model: Model, folder: Path) -> None:
    """Two rows for a developer's first start; rows of an owner need one who is not there yet."""
    rows = []
    for which in (0, 1):
        fields = {field.name: json.loads(json_code(field, which)) for field in model.fields}
        times = {"created_at": f"2026-01-0{which + 1}T12:00:00Z"}
        rows.append({
            "model": f"{spec.name}.{model.cls.lower()}",
            "pk": str(uuid4()),
            "fields": fields | times | {"updated_at": times["created_at"]},
        })  # fmt: skip
    folder.mkdir(exist_ok=True)
    path = folder / f"dev_{spec.name}_{model.plural}.json"
    path.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")


def json_code(field: Field, which: int) -> str:
    return {"True": "true", "False": "false"}.get(field.sample(which), field.sample(which))


def field_values(field: Field, models: dict[str, Model]) -> dict[str, Any]:
    """Return what templates ask a field for."""
    target = models.get(field.target)
    names = ("name", "type", "choices", "target", "unique", "label", "required", "sortable",
             "is_text", "enum", "annotation")  # fmt: skip
    values: dict[str, Any] = {name: getattr(field, name) for name in names}
    values["shown_label"] = field.label if field.required else f"{field.label} optional"
    values["max_length"] = field.max_length and str(field.max_length)
    if target:
        values |= {"target_fixture": target.fixture, "target_var": target.var}
    else:
        typed = field.sample(0) if field.sample(0).startswith('"') else f'"{field.sample(0)}"'
        values |= {
            "first": field.sample(0),
            "second": field.sample(1),
            "typed": '"2026-03-01T08:00"' if field.type == "datetime" else typed,
        }
    return values


def crud_values(spec: Spec) -> dict[str, Any]:
    by_class = {model.cls: model for model in spec.models}
    models = [model_values(model, spec, by_class) for model in spec.models]
    made: list[Model] = []
    for model in in_order(spec.models):
        values = models[spec.models.index(model)]
        values |= given_values(model, values, [*made], by_class)
        made.append(model)
    for values, model in zip(models, spec.models, strict=True):
        values["users"] = list(
            {
                other.singular: {
                    "a": other.a,
                    "singular": other.singular,
                    "fixture": other.fixture,
                    "by": field.name,
                }
                for other in spec.models
                for field in other.refs
                if field.target == model.cls and not field.optional
            }.values()
        )
        values["used"] = bool(values["users"])
    ordered = [models[spec.models.index(model)] for model in made]
    everything = [field for model in spec.models for field in model.fields]
    targets = {by_class[field.target] for field in everything if field.target}
    return {
        "feature": feature_values(spec),
        "models": models,
        "first": models[0],
        "ordered": ordered,
        "backwards": ordered[::-1],
        "shared": not all(model.owned for model in spec.models),
        "owned": any(model.owned for model in spec.models),
        "refs": bool(targets),
        "targets": sorted(({"var": model.var} for model in targets), key=lambda t: t["var"]),
        "uniques": any(field.unique for field in everything),
        "used": any(values["used"] for values in models),
        "fixtures": [m for m in models if not m["owned"] and not m["refs"]],
        "searched": any(model.searched for model in spec.models),
        "urls": any(field.type == "url" for field in everything),
        "bools": any(field.type == "bool" for field in everything),
        "imports": sorted(
            {f.spec.imports for f in everything if f.type not in {"choice", "ref"}} - {""}
        ),
        "all_many": join([model.many for model in spec.models]),
        "description": f"{join([model.many for model in spec.models]).capitalize()}, listed, "
        "searched and changed.",
    }


def model_values(model: Model, spec: Spec, by_class: dict[str, Model]) -> dict[str, Any]:
    """Return what templates ask a model for."""
    names = ("cls", "singular", "plural", "one", "a", "many", "var", "owned", "main", "fixture")
    values: dict[str, Any] = {name: getattr(model, name) for name in names}
    fields = {field.name: field_values(field, by_class) for field in model.fields}
    for name, field in zip(fields, model.fields, strict=True):
        if field.type != "ref":
            fields[name]["parameter_code"] = ""
        fields[name] |= {"model_code": field.model_code, "argument": field.argument}

    def some(chosen: list[Field]) -> list[dict[str, Any]]:
        return [fields[field.name] for field in chosen]

    title = model.title
    assert title, "read_models lets none pass that has no field of its own"
    first = [title, *(field for field in model.fields if field is not title)]
    listed = [field for field in first if field.type != "text" or field is title][:5]
    for field in listed:
        fields[field.name]["listed"] = True
    slug = next((field for field in model.fields if field.type == "slug"), None)
    source = next((field for field in model.fields if field.type == "string"), None)
    plain = [field for field in model.fields if field.type != "ref"]
    sample = next((field for field in model.searched), None)
    return values | {
        "A": model.a.capitalize(),
        "fields": list(fields.values()),
        "page_fields": some(first),
        "title": fields[title.name],
        "title_many": model.many.capitalize(),
        "regular": model.one + "s",
        "refs": some(model.refs),
        "uniques": some(model.uniques),
        "urls": any(field.type == "url" for field in model.fields),
        "taken": "something"
        if len(model.uniques) > 2
        else join([f"the {field.label.lower()}" for field in model.uniques], "or"),
        "searched": some(model.searched),
        "searched_words": join([f.label.lower() for f in model.searched], "or"),
        "search_sample": sample and sample.sample(0).strip('"').split()[0].split("/")[-1],
        "filters": some(model.filters),
        "sorted": some(model.sorted),
        "order": title.name if title.sortable else "created_at",
        "slug": slug and fields[slug.name],
        "slug_from": slug and source and fields[source.name],
        "changed": fields[plain[0].name],
        "required_names": [field.name for field in model.fields if field.required],
        "field_names": join([field.label.lower() for field in model.fields]),
        "action": "" if model.main else f"{model.singular}_",
        "prefix": "" if model.main else f"{model.plural}/",
        "path": "" if model.main else f"/{model.plural}",
        "route": "" if model.main else model.plural,
        "route_slash": "" if model.main else f"{model.plural}/",
        "fields_var": "fields" if len(spec.models) == 1 else f"{lower_camel(model.singular)}Fields",
        "links": [
            {
                "path": "" if other.main else f"/{other.plural}",
                "title_many": other.many.capitalize(),
            }
            for other in spec.models
            if other is not model
        ],
    }


def given_values(
    model: Model, values: dict[str, Any], made: list[Model], by_class: dict[str, Model]
) -> dict[str, Any]:
    """Return what the tests of a model give: no reference to what is not made before it."""
    before = {other.cls for other in made}
    given = [field.name for field in model.fields if not field.target or field.target in before]
    strange = []
    for field in model.refs:
        if by_class[field.target].owned and (field.name in given or field.target == model.cls):
            taken = field.name if field.name in given else "id"
            strange.append(field_values(field, by_class) | {"taken": taken})
    targets = {field.target: by_class[field.target] for field in model.refs if field.name in given}
    return {
        "given": [field for field in values["fields"] if field["name"] in given],
        "owned_refs": strange,
        "targets": [{"fixture": target.fixture} for target in targets.values()],
    }


def feature_values(spec: Spec) -> dict[str, Any]:
    words = spec.name.replace("_", " ")
    return {
        "name": spec.name, "cls": spec.cls, "title": spec.title, "var": spec.var,
        "words": words.title(), "thing": f"{words} request",
    }  # fmt: skip


def job_values(spec: Spec, service: str) -> dict[str, Any]:
    parameters = [
        field_values(field, {}) | {"parameter_code": field.parameter_code}
        for field in spec.parameters
    ]
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
        "description": "Upload a text and get back what is in it."
        if spec.inputs.is_usual
        else "Send files and get back what is in them."
        if spec.inputs.key
        else "Say what it is to be about, and get back a text.",
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
