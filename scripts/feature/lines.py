"""The differences of a field from the example's field of the same type."""

import json
import re
from pathlib import Path

from scripts.feature.fields import FILES, RANGES, Field
from scripts.feature.names import lower_camel, plural_of
from scripts.feature.spec import Model, Spec

# Lines that are there for some models only, by what is in them.
ONLY = [
    (r"files_keep|upload_urls|a file has expired|download=|FileView\(", "files"),
    (r"SearchField\(\)|_list_is_searched", "searched"),
    (r"URLField: \{", "urls"),
    (r"^\s*seen_by_all = True|_others_see_an_|\"GET /", "seen"),
    (r"_others_see_no_", "private"),
    (r"^\s*owner(: User,|=owner,|=self\.owner,| = models)|^\s*\"owner\",|def stranger\(", "owned"),
]


def traits(model: Model) -> set[str]:
    """Return what a model has of that."""
    has = {
        "files": any(field.type in FILES for field in model.fields),
        "searched": bool(model.searched),
        "urls": any(field.type == "url" for field in model.fields),
        "seen": model.seen,
        "private": model.owned and not model.seen,
        "owned": model.owned,
    }
    return {name for name, is_so in has.items() if is_so}


def is_wanted(line: str, *models: Model) -> bool:
    """Return whether a line of the example has its use for one of these models."""
    of = next((trait for form, trait in ONLY if re.search(form, line)), None)
    return of is None or any(of in traits(model) for model in models)


def rename_field(text: str, old: str, field: Field) -> str:
    """Return lines about a field of the example as lines about another field."""
    names = {old: field.name, old.capitalize(): field.enum}
    return re.sub(
        rf"(?<![a-zA-Z])({'|'.join(names)})(?![a-zA-Z])", lambda found: names[found[0]], text
    )


def fit_values(text: str, field: Field) -> str:
    """Return lines with values that the field can have."""
    if field.unique:
        text = re.sub(r'(": )("First[^"]*"|"https:[^"]*first"|1(?=,)|"first@)', _unique, text)
    if field.type == "choice":
        text = text.replace('"requested"', f'"{field.choices[0]}"')
        return text.replace('"confirmed"', f'"{field.choices[-1]}"')
    if field.type == "decimal":
        whole, after = field.digits[0] - field.digits[1], field.digits[1]
        for sample, short in (("12.50", "0"), ("20.00", "0")):
            value = float(sample) % 10 if whole < 2 else float(sample)
            text = text.replace(sample, f"{value if whole else float(short):.{after}f}")
    if field.type == "days":
        text = re.sub(r"(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\dZ)?", r"\1", text)
        text = text.replace("DateTime", "Date").replace("datetime", "date")
    return text


def _unique(found: re.Match[str]) -> str:
    value = found[2]
    if value == "1":
        return f'{found[1]}int(unique("1"))'
    return f'{found[1]}unique("first") + "@' if value == '"first@' else f"{found[1]}unique({value})"


def adapt_to_field(text: str, field: Field, model: Model) -> str:
    """Return lines about a field with its default, and as it may or may not be left out."""
    line = text.strip("\n")
    space = line[: len(line) - len(line.lstrip())]
    if re.match(rf"\s*{field.name}\w*(: .*)? = models\.", line):
        return _column(line, field)
    if re.match(r"\s*class \w+\(models.TextChoices\)", line):
        named = zip(field.choices, field.labels, strict=True)
        values = [f'{space}    {value.upper()} = "{value}", "{label}"' for value, label in named]
        return "\n".join([f"{space}class {field.enum}(models.TextChoices):", *values, "\n"])
    if re.match(r"\s*\{\s*name: '", line):
        return _of_page(line, field, space, model)
    if re.fullmatch(rf"\s*{field.name}\w*: [^=]*( = .*)?,", line):
        return _argument(line, field, model)
    if "UploadField(" in line and field.required:
        return text.replace(", required=False, allow_null=True", "")
    if "StringRelatedField(" in line and field.type == "ref" and not field.required:
        return text.replace('")', '", allow_null=True)')
    if ABOUT_ONE.match(line) and not (field.is_text and field.required):
        text = re.sub(r"self\.(\w+)", r"str(self.\1)", text)
        return re.sub(r"row\.(\w+)", r"String(row.\1)", text)
    if "unique" in text and "fields=" in text and model.owned and not model.seen:
        return text.replace("fields=[", 'fields=["owner", ')
    if not model.owned:
        text = text.replace(", stranger: APIClient", "").replace("stranger.", "client.")
    return re.sub(rf"(?<=    ){field.name}( = )", rf"{field.name}{field.annotation}\1", text)


ABOUT_ONE = re.compile(r"\s*(return self\.|title: \()")


def _column(line: str, field: Field) -> str:
    """Return the column of a Django model."""
    line = re.sub(r",? ?\b(null=True|blank=True|default=[\w.]+)", "", line)
    options = []
    if field.type == "json":
        options = ["default=dict", "blank=True"]
    elif field.type == "many":
        options = ["blank=True"]
    elif field.type in FILES:
        options = ["null=True", *([] if field.required else ["blank=True"])]
    elif field.type == "bool":
        options = [f"default={field.default_code}"]
    elif field.default:
        code = (
            f"{field.enum}.{field.default_code}" if field.type == "choice" else field.default_code
        )
        options = [f"default={code}", *(["blank=True"] if field.spec.text else [])]
    elif field.optional:
        options = ["blank=True"] if field.is_text else ["null=True", "blank=True"]
    if field.type == "ref" and field.optional:
        line = line.replace("models.RESTRICT", "models.SET_NULL")
    if field.type == "choice":
        line = re.sub(r"max_length=\d+", f"max_length={max(20, *map(len, field.choices))}", line)
    if field.type == "decimal":
        line = re.sub(r"max_digits=\d+, decimal_places=\d+",
                      "max_digits={}, decimal_places={}".format(*field.digits), line)  # fmt: skip
    body, end = re.fullmatch(r"(.*?),?(\s*\))", line, re.DOTALL).groups()  # type: ignore[union-attr]
    comma = "" if body.endswith("(") else ", "
    return f"{body}{comma if options else ''}{', '.join(options)}{end}\n"


def _argument(line: str, field: Field, model: Model) -> str:
    """Return the argument of the function that creates a row."""
    name, _, kind = line.rstrip(",").partition(": ")
    kind = kind.partition(" = ")[0].removesuffix(" | None")
    if field.type in {"many", "json"}:
        return f"{line}\n"
    if field.type == "bool" or field.default:
        code = field.default_code
        code = f"{model.cls}.{field.enum}.{code}" if field.type == "choice" else code
        return f"{name}: {kind} = {code},\n"
    if field.optional:
        return f'{name}: {kind} = "",\n' if field.is_text else f"{name}: {kind} | None = None,\n"
    return f"{name}: {kind},\n"


def _of_page(line: str, field: Field, space: str, model: Model) -> str:
    """Return what the page knows of a field, or of an end of a period."""
    name = re.search(r"name: '(\w+)'", line)[1]  # type: ignore[index]
    of, kind = re.search(r"of: (\w+)", line), {"period": "datetime", "days": "date"}
    listed = [f.name for f in model.fields if f.type not in {"text", "json", *FILES}]
    parts = {
        "required": "true" if field.required or field.default else "",
        "maxLength": str(field.max_length or ""),
        "decimals": str(field.digits[1]) if field.type == "decimal" else "",
        "choices": f"[{', '.join(repr(f'{name}.{c}') for c in field.choices)}]"
        if field.choices
        else "",
        "initial": ("true" if field.default == "true" else "")
        if field.type == "bool"
        else field.default and f"'{field.default}'",
        "of": of[1] if of else "",
        "shows": f"'{name}_name{'s' if field.type == 'many' else ''}'"
        if field.type in {"ref", "many", *FILES}
        else "",
        "listed": "true" if field.name in [model.title.name, *listed][:6] else "",
        "sortable": "true" if field.sortable and not name.endswith("_end") else "",
    }
    if field.type == "bool":
        parts["required"] = ""
    said = "".join(f", {key}: {value}" for key, value in parts.items() if value)
    return f"{space}{{ name: '{name}', type: '{kind.get(field.type, field.type)}'{said} }},\n"


def tidy(text: str, spec: Spec) -> str:
    """Return a source without what has become empty."""
    for _ in range(2):
        text = re.sub(r"(?m)^ *\w+ ?= ?[\[{]\n? *[\]}],?\n", "", text)
    text = re.sub(r"\.(select|prefetch)_related\(\s*\)", "", text)
    text = re.sub(r"\.objects$", ".objects.all()", text, flags=re.MULTILINE)
    text = re.sub(r"== \{\s*\}", "== set()", text)
    text = re.sub(
        r"(?s)    (\w+) = (row_create\([^)]*\))\n    return \1\n", r"    return \2\n", text
    )
    if not any(model.owned for model in spec.models):
        text = text.replace("(OwnRows, ", "(")
    for model in spec.models:
        if not model.owned:
            text = re.sub(rf"(class {model.cls}View\()OwnRows, ", r"\1", text)
            text = re.sub(rf'(?s)(class {model.cls}\(models.*?)"owner", ', r"\1", text)
        who = (
            "which everybody sees who is signed in, and its owner changes."
            if model.seen
            else "which only its owner sees."
            if model.owned
            else "which everybody who is signed in sees and changes."
        )
        form = rf'(class {model.cls}\(models.Model\):\n    """[^,]*, )[^"]*'
        text = re.sub(form, lambda found, who=who: found[1] + who, text)  # type: ignore[misc]
    shared = [f'"{"" if m.main else f"{m.plural}/"}"' for m in spec.models if not m.owned]
    text = re.sub(r"SHARED: list\[str\] = \[\]", f"SHARED: list[str] = [{', '.join(shared)}]", text)
    text = text.replace("SHARED: list[str] = []\n", "")
    text = text.replace("import DateTimeRange\n", "import DateRange, DateTimeRange\n")
    if 'Decimal("' in text:
        text = _with_import(text, "from decimal import Decimal\n")
    features = {(f.feature, f.target) for m in spec.models for f in m.fields if f.feature}
    for feature, target in sorted(features):
        cls = "".join(part.capitalize() for part in target.split("_"))
        for name, place in ((cls, "public"), (f"make_{target}", "tests.factories")):
            if re.search(rf"(?<![\w.\"]){name}\b", text):
                text = _with_import(text, f"from backend_django.{feature}.{place} import {name}\n")
        var = lower_camel(plural_of(target))
        if f"of: {var}" in text:
            text = f"import {{ {var} }} from '@/features/{feature}/public'\n{text}"
    return text


def _with_import(text: str, line: str) -> str:
    first = re.search(r"(?m)^from ", text)
    return text[: first.start()] + line + text[first.start() :] if first else line + text


def without_unused(text: str) -> str:
    """Return a source of the page without the names that it imports and does not use."""

    def used(found: re.Match[str]) -> str:
        names = [n for n in found[2].split(", ") if len(re.findall(rf"\b{n}\b", text)) > 1]
        return f"{found[1]}{', '.join(names)}{found[3]}" if names else ""

    return re.sub(r"(?m)^(import (?:type )?\{ )(.*)( \} from .*\n)", used, text)


def page(text: str, model: Model, spec: Spec) -> str:
    """Return a page with links to those of the other models."""
    link = '<RouterLink to="/bookings{}" class="link">{{{{ t(\'{}.title\') }}}}</RouterLink>'
    others = [
        link.format("" if other.main else f"/{other.plural}", other.cls)
        for other in spec.models
        if other is not model
    ]
    if not model.searched:
        text = re.sub(r'\s*:searched="[^"]*"', "", text)
    if others:
        text = re.sub(r"(?m)^ *<RouterLink.*\n", "\n".join(others) + "\n", text)
    else:
        text = re.sub(r"(?s)>\s*<p .*</p>\s*</CrudList>", " />", text)
    return text if "t('" in text else text.replace("import { t } from './locales'\n", "")


def index(text: str, spec: Spec) -> str:
    """Return what the page knows of the feature at first."""
    routes = ""
    for model in spec.models:
        before = "" if model.main else f"{model.plural}/"
        for path, part, props in (("", "List", ""), ("new", "Form", ""),
                                  (":id", "", ", props: true"),
                                  (":id/edit", "Form", ", props: true")):  # fmt: skip
            component = f"() => import('./{model.cls}{part}Page.vue')"
            whole = (before + path).removesuffix("/")
            routes += f"    {{ path: '{whole}', component: {component}{props} }},\n"
    text = re.sub(r"(?s)(routes: \[\n).*?(?=^  \],)", lambda m: m[1] + routes, text, flags=re.M)
    return text.replace("CalendarRange", "Layers").replace("bookings", spec.name)


def public(spec: Spec) -> str:
    names = ", ".join(model.var for model in spec.models)
    return f"/** The public face, for other features. */\nexport {{ {names} }} from './api'\n"


def write_messages(spec: Spec, folder: Path) -> None:
    """Write what the page says, in English."""
    many = " and ".join(model.many for model in spec.models)
    first = {"title": spec.title, "description": f"Browse and edit {many}."}
    said: dict[str, str] = {}
    for model in spec.models:
        said |= {f"{model.cls}.one": model.one, f"{model.cls}.many": model.many}
        if len(spec.models) > 1:
            said[f"{model.cls}.title"] = model.many.capitalize()
        if model.searched:
            words = [field.label.lower() for field in model.searched]
            said[f"{model.cls}.searched"] = " or ".join(
                filter(None, [", ".join(words[:-1]), words[-1]])
            )
        for field in model.fields:
            ends = (": from", ": until") if field.type in RANGES else ("",)
            said |= {c: field.label + end for c, end in zip(field.columns, ends, strict=True)}
            for choice, label in zip(field.choices, field.labels, strict=True):
                # A message is compiled, and these are its syntax.
                said[f"{field.name}.{choice}"] = re.sub(r"[@{}|]", r"{'\g<0>'}", label)
    for path, texts in ((folder / "first" / "en.json", first), (folder / "en.json", said)):
        path.write_text(json.dumps(texts, indent=2, ensure_ascii=False) + "\n", "utf-8")


def readme(spec: Spec) -> str:
    """Return what a newcomer should know of the feature."""
    text = f"# {spec.title}\n\n"
    for model in spec.models:
        path = "" if model.main else f"{model.plural}/"
        names = ", ".join(field.label.lower() for field in model.fields)
        who = ("Everybody who is signed in sees them; their owner changes them." if model.seen
               else "Only their owner sees them." if model.owned
               else "Everybody who is signed in sees and changes them.")  # fmt: skip
        text += f"- **{model.many.capitalize()}** at `/api/v1/{spec.name}/{path}`: {names}. {who}\n"
    return (
        f"{text}\n`create/`, `list/`, `detail/<id>/`, `update/<id>/` and `delete/<id>/`; the rules "
        f"for writing are in `services.py`. The page is `frontend_vue/src/features/{spec.name}`. "
        "Say here what a newcomer should know.\n"
    )
