"""Reads NAME, KIND and FIELDS, and refuses with a sentence what could not work."""

import builtins
import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from scripts.environment import ROOT
from scripts.feature.fields import TYPES, Field

BACKEND = ROOT / "backend_django"
PAGES = ROOT / "frontend_vue" / "src"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->|//[^\n]*|#[^\n]*", re.DOTALL)  # may give examples
LONGEST = 40
# Addresses, and labels of apps, that are somebody else's already.
TAKEN = {
    "account", "accounts", "admin", "api", "app", "assets", "auth", "authtoken", "composables",
    "contenttypes", "crud", "docs", "features", "health", "login", "messages", "metrics", "mfa",
    "schema", "sessions", "sites", "socialaccount", "static", "staticfiles", "tests", "ui",
    "version",
}  # fmt: skip
FIELD_NAMES = {
    "id", "pk", "objects", "created_at", "updated_at", "page", "page_size", "search", "ordering",
    "check", "clean", "clean_fields", "date_error_message", "delete", "from_db", "full_clean",
    "get_constraints", "meta", "prepare_database_save", "refresh_from_db", "save", "save_base",
    "serializable_value", "unique_error_message", "validate_constraints", "validate_unique",
    "arefresh_from_db", "adelete", "asave", "file", "upload",
}  # fmt: skip
MODEL_NAMES = {"Any", "User", "Date", "Decimal", "Model", "Iterator", "Query", "Feature"}
HOW = {*TYPES, "choice(a|b)", "user", "ref:model"}


class SpecError(Exception):
    """What was asked for cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Model:
    """A table: `singular` and `plural` as in addresses, "expense" and "expenses"."""

    singular: str
    plural: str
    fields: tuple[Field, ...]
    owned: bool
    main: bool

    @property
    def cls(self) -> str:
        return camel(self.singular)

    @property
    def one(self) -> str:
        return self.singular.replace("_", " ")

    @property
    def a(self) -> str:
        return "an" if self.one[0] in "aeiou" else "a"

    @property
    def many(self) -> str:
        return self.plural.replace("_", " ")

    @property
    def var(self) -> str:
        return lower_camel(self.plural)

    @property
    def title(self) -> Field | None:
        """What a row is known by: the first required text, or else the first field."""
        texts = [f for f in self.fields if f.is_text and f.required and f.type != "choice"]
        short = [f for f in texts if f.type != "text"]
        plain = [f for f in self.fields if f.type != "ref"]
        return next(iter([*short, *texts, *plain]), None)

    @property
    def refs(self) -> list[Field]:
        return [f for f in self.fields if f.type == "ref"]

    @property
    def uniques(self) -> list[Field]:
        return [f for f in self.fields if f.unique]

    @property
    def searched(self) -> list[Field]:
        return [f for f in self.fields if f.is_text and f.type != "choice"]

    @property
    def filters(self) -> list[Field]:
        return [f for f in self.fields if f.is_filter]

    @property
    def sorted(self) -> list[Field]:
        return [f for f in self.fields if f.sortable]


@dataclass(frozen=True)
class Spec:
    """A feature that can be made."""

    name: str
    kind: str
    models: tuple[Model, ...]
    parameters: tuple[Field, ...]

    @property
    def cls(self) -> str:
        return camel(self.name)

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def var(self) -> str:
        return lower_camel(self.name)


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def lower_camel(name: str) -> str:
    return name[0] + camel(name)[1:]


def singular_of(plural: str) -> str:
    """expenses -> expense, categories -> category, boxes -> box, news -> news."""
    for ending, instead in (
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
    ):
        if plural.endswith(ending) and len(plural) > len(ending) + 1:
            return plural.removesuffix(ending) + instead
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is", "news")):
        return plural[:-1]
    return plural


def plural_of(singular: str) -> str:
    if re.search(r"[^aeiou]y$", singular):
        return singular[:-1] + "ies"
    return singular + ("es" if re.search(r"(s|x|z|ch|sh)$", singular) else "s")


def read_spec(name: str, kind: str, fields: str) -> Spec:
    """Return what to make.

    Raises:
        SpecError: a name or a field is not possible; says what is.
    """
    check_name(name)
    if kind not in {"crud", "job"}:
        raise SpecError(f"KIND is {kind or 'missing'}: say KIND=crud or KIND=job.")
    if kind == "job":
        if ";" in fields:
            raise SpecError("A job has parameters, not models: leave the “;” out of FIELDS.")
        return Spec(name, kind, (), tuple(read_parameters(fields)))
    if not fields.split():
        raise SpecError('FIELDS is empty: say what a row has, such as FIELDS="title:string".')
    models = read_models(name, fields)
    check_classes(models)
    in_order(models)
    return Spec(name, kind, models, ())


def check_name(name: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        guess = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:LONGEST]
        example = guess if NAME.fullmatch(guess) else "todos"
        raise SpecError(
            f"NAME is {f'“{name}”' if name else 'missing'}: it takes lower-case letters, digits "
            f"and single underscores, {LONGEST} at most, such as NAME={example}."
        )
    if keyword.iskeyword(name) or name in TAKEN:
        raise SpecError(f"NAME={name} means something else already: choose another name.")
    for folder in (BACKEND / name, PAGES / "features" / name, PAGES / name):
        if folder.exists():
            raise SpecError(
                f"{folder.relative_to(ROOT)} is there already: choose another name, or remove it."
            )
    named = re.compile(rf"""backend_django[./]{name}\b|features/{name}\b|/{name}/|['"]{name}['"]""")
    for path in [*BACKEND.glob("*/**/*.py"), *PAGES.glob("*/**/*.ts"), *PAGES.glob("*/**/*.vue")]:
        core = not {"migrations", "tests", "features"} & set(path.parts) and is_core(path)
        hand_written = ".test." not in path.name and path.name != "schema.d.ts"
        if core and hand_written and named.search(COMMENT.sub("", path.read_text("utf-8"))):
            raise SpecError(
                f"{path.relative_to(ROOT)} uses the word “{name}” for something else: choose "
                f"another name, such as my_{name}."
            )


def is_core(path: Path) -> bool:
    if BACKEND not in path.parents:
        return True
    apps = BACKEND / path.relative_to(BACKEND).parts[0] / "apps.py"
    return not apps.exists() or "FeatureConfig" not in apps.read_text(encoding="utf-8")


def read_models(name: str, text: str) -> tuple[Model, ...]:
    parts = [part.split() for part in text.split(";") if part.split()]
    named: list[tuple[str, list[str]]] = []
    for position, tokens in enumerate(parts):
        if tokens[0].endswith(":") and len(tokens[0]) > 1:
            named.append((tokens[0][:-1], tokens[1:]))
        elif position == 0:
            named.append((singular_of(name), tokens))
        else:
            raise SpecError(
                f"After “;” comes the name of another model: “category: {' '.join(tokens)}”."
            )
    singulars = [singular for singular, _ in named]
    if len(set(singulars)) < len(singulars):
        raise SpecError("FIELDS has the same model twice: put its fields together.")
    owned = {singular: "owner:user" in tokens for singular, tokens in named}
    models = []
    for position, (singular, tokens) in enumerate(named):
        check_identifier(singular, "model")
        plural = name if position == 0 and singular == singular_of(name) else plural_of(singular)
        fields = [read_field(token, singulars) for token in tokens if token != "owner:user"]
        check_fields(singular, fields)
        for field in fields:
            if field.target and owned[snake(field.target)] and not owned[singular]:
                raise SpecError(
                    f"{field.name} leads to a {snake(field.target)}, which only its owner sees, "
                    f"but anybody sees a {singular}: give the {singular} owner:user too."
                )
        models.append(Model(singular, plural, tuple(fields), owned[singular], position == 0))
    return tuple(models)


def in_order(models: tuple[Model, ...]) -> list[Model]:
    """Return the models so that what one refers to comes before it, where that can be.

    Raises:
        SpecError: none of some can be made first.
    """
    left, done = list(models), []
    while left:
        missing = {model.cls for model in left}
        ready = [model for model in left if not missing & {f.target for f in model.refs}] or [
            model for model in left if not missing & {f.target for f in model.refs if f.required}
        ]
        if not ready:
            names = " and ".join(f"{model.a} {model.one}" for model in left)
            raise SpecError(
                f"Of {names} none can be made first, as each needs another one: let a reference "
                f"be left out, such as {left[0].refs[0].name}:ref:{snake(left[0].refs[0].target)}?"
            )
        done.append(ready[0])
        left.remove(ready[0])
    return done


def snake(cls: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls).lower()


def read_parameters(text: str) -> list[Field]:
    fields = [read_field(token, []) for token in text.split()]
    for field in fields:
        if field.type != "choice" and not field.spec.serializer:
            raise SpecError(
                f"{field.name}:{field.type} is no type of a parameter: a file comes "
                "with string, text, slug, int, float, bool, url, email or choice."
            )
        if field.unique:
            raise SpecError(f"{field.name}: a parameter cannot be unique.")
        if field.name == "name":
            raise SpecError("Every job has a name already: call the parameter something else.")
    check_fields("job", fields, parameters=True)
    return fields


def check_identifier(name: str, what: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST or keyword.iskeyword(name):
        raise SpecError(
            f"“{name}” cannot be the name of a {what}: it takes lower-case letters, digits and "
            f"single underscores, {LONGEST} at most."
        )


def read_field(token: str, models: list[str]) -> Field:
    name, colon, rest = token.partition(":")
    if not colon:
        raise SpecError(f"“{token}” has no type: write {token}:string, or one of {words()}.")
    check_identifier(name, "field")
    if name in FIELD_NAMES:
        raise SpecError(f"A field cannot be called {name}: that is there already.")
    rest, equals, option = rest.partition("=")
    if equals and option != "unique":
        raise SpecError(f"{name}: “={option}” is not known. There is “=unique”.")
    unique, optional = bool(equals), rest.endswith("?")
    rest = rest.removesuffix("?")
    if name == "owner" or rest == "user":
        raise SpecError(
            "owner:user is the one field of type user, and is never optional: rows belong to who "
            "makes them. Add another relation to people by hand; a list of all accounts to choose "
            "from would tell everybody who has one."
        )
    if choice := re.fullmatch(r"choice\((.*)\)", rest):
        values = tuple(choice[1].split("|"))
        if not all(NAME.fullmatch(value) and not keyword.iskeyword(value) for value in values):
            raise SpecError(f"{name}: choices are words in lower case, such as choice(low|high).")
        if len(set(values)) < len(values):
            raise SpecError(f"{name}: a choice stands there twice.")
        if unique:
            raise SpecError(f"{name}: a choice cannot be unique.")
        return Field(name, "choice", optional, choices=values)
    if rest.startswith("ref:"):
        target = rest.removeprefix("ref:")
        if target not in models:
            known = ", ".join(models) or "none"
            raise SpecError(
                f"{name}: there is no model “{target}” in this feature (there is: {known}). Name "
                f"it in FIELDS: “…; {target or 'category'}: name:string”."
            )
        if unique:
            raise SpecError(f"{name}: a reference cannot be unique.")
        return Field(name, "ref", optional, target=camel(target))
    if rest not in TYPES:
        raise SpecError(f"{name}: “{rest}” is no type. There are {words()}.")
    if rest == "bool" and (optional or unique):
        raise SpecError(f"{name}: a bool is false unless it is given; leave out what follows it.")
    if unique and (optional or rest == "text"):
        raise SpecError(f"{name}: what is unique must be there, and short.")
    return Field(name, rest, optional, unique)


def words() -> str:
    return ", ".join(sorted(HOW))


def check_fields(model: str, fields: list[Field], *, parameters: bool = False) -> None:
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"{model} has {name} twice.")
    if not parameters and not any(field.type != "ref" for field in fields):
        raise SpecError(f"{model} has nothing of its own: give it a field such as title:string.")


def check_classes(models: tuple[Model, ...]) -> None:
    """The names of models are the names of types in the API: each stands there once."""
    for model in models:
        if model.cls in MODEL_NAMES or hasattr(builtins, model.cls):
            raise SpecError(f"A model cannot be called {model.singular}: choose another name.")
        pattern = re.compile(rf"^class ({model.cls}|{model.cls}Serializer)\(", re.MULTILINE)
        for path in BACKEND.rglob("*.py"):
            if pattern.search(path.read_text(encoding="utf-8")):
                raise SpecError(
                    f"{path.relative_to(ROOT)} has a {model.cls} already. Call this one something "
                    f'else: FIELDS="my_{model.singular}: …".'
                )
