"""Reads NAME, KIND and FIELDS, and refuses with a sentence what could not work."""

import builtins
import re
from dataclasses import dataclass

from scripts.environment import ROOT
from scripts.feature.fields import TYPES, Field
from scripts.feature.inputs import Inputs, read_inputs
from scripts.feature.names import (
    BACKEND,
    FIELD_NAMES,
    LONGEST_IN_DATABASE,
    MODEL_NAMES,
    NAME,
    OF_A_RESULT,
    PAGE_NAMES,
    SUFFIXES,
    SpecError,
    camel,
    check_identifier,
    check_name,
    lower_camel,
    plural_of,
    singular_of,
    snake,
)

HOW = {*TYPES, "choice(a|b)", "user", "ref:model"}


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
    def fixture(self) -> str:
        return f"{self.a}_{self.singular}"

    @property
    def many(self) -> str:
        return self.plural.replace("_", " ")

    @property
    def var(self) -> str:
        return lower_camel(self.plural)

    @property
    def title(self) -> Field | None:
        """What a row is known by: a required text, or else a required field, or else any."""
        texts = [f for f in self.fields if f.is_text and f.required and f.type != "choice"]
        short = [f for f in texts if f.type != "text"]
        plain = [f for f in self.fields if f.type != "ref"]
        required = [f for f in plain if f.required]
        return next(iter([*short, *texts, *required, *plain]), None)

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
    inputs: Inputs  # of a job

    @property
    def cls(self) -> str:
        return camel(self.name)

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def var(self) -> str:
        return lower_camel(self.name)


def read_spec(name: str, kind: str, fields: str, inputs: str = "") -> Spec:
    """Return what to make.

    Raises:
        SpecError: a name or a field is not possible; says what is.
    """
    check_name(name)
    if kind not in {"crud", "job"}:
        raise SpecError(f"KIND is {kind or 'missing'}: say KIND=crud or KIND=job.")
    if inputs and kind != "job":
        raise SpecError("INPUTS says what a job works on: leave it out, or say KIND=job.")
    if kind == "job":
        if lower_camel(name) in PAGE_NAMES:
            raise SpecError(f"NAME={name} means something else already: choose another name.")
        if ";" in fields:
            raise SpecError("A job has parameters, not models: leave the “;” out of FIELDS.")
        return Spec(name, kind, (), tuple(read_parameters(fields)), read_inputs(inputs))
    if not fields.split():
        raise SpecError('FIELDS is empty: say what a row has, such as FIELDS="title:string".')
    models = read_models(name, fields)
    check_models(name, models)
    in_order(models)
    return Spec(name, kind, models, (), Inputs())


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


def read_parameters(text: str) -> list[Field]:
    # A request belongs to who makes it, with or without owner:user.
    tokens = [token for token in text.split() if token != "owner:user"]
    for token in tokens:
        if ":ref:" in token:
            raise SpecError(f"{token}: a job has no models to refer to; give it another type.")
    fields = [read_field(token, []) for token in tokens]
    for field in fields:
        if field.unique:
            raise SpecError(f"{field.name}: a parameter cannot be unique.")
        if field.name in {"name", *OF_A_RESULT}:
            raise SpecError(
                f"A job, or its result, has {field.name} already: call the parameter something "
                "else."
            )
    check_fields("job", fields, parameters=True)
    return fields


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
        if not all(NAME.fullmatch(value) for value in values):
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
    of_refs = {f"{field.name}_{end}" for field in fields if field.target for end in ("id", "name")}
    for name in {model, *of_refs} & set(names) - {"job"}:
        raise SpecError(
            f"A {model} cannot have a field called {name}: that is there already, for the "
            f"{'row itself' if name == model else 'reference'}. Choose another name."
        )
    if not parameters and not any(field.type != "ref" for field in fields):
        raise SpecError(f"{model} has nothing of its own: give it a field such as title:string.")


def check_models(feature: str, models: tuple[Model, ...]) -> None:
    """The names of models are the names of types in the API: each stands there once."""
    classes = {model.cls: model for model in models}
    for model in models:
        if model.cls in MODEL_NAMES or hasattr(builtins, model.cls) or model.var in PAGE_NAMES:
            raise SpecError(
                f"A model cannot be called {model.singular}: its sources have another use for "
                f'“{model.var}”; choose another name: FIELDS="my_{model.singular}: …".'
            )
        for other in filter(None, (classes.get(model.cls + suffix) for suffix in SUFFIXES)):
            raise SpecError(
                f"{model.singular} and {other.singular} would both have a {other.cls}: choose "
                f"another name for the {other.singular}."
            )
        for field in model.uniques:
            if len(f"{feature}_{model.singular}_{field.name}_unique") > LONGEST_IN_DATABASE:
                raise SpecError(
                    f"{feature}, {model.singular} and {field.name} are together too long for the "
                    "name of a rule in the database: shorten one of them."
                )
        pattern = re.compile(rf"^class ({model.cls}|{model.cls}Serializer)\(", re.MULTILINE)
        for path in BACKEND.rglob("*.py"):
            if pattern.search(path.read_text(encoding="utf-8")):
                raise SpecError(
                    f"{path.relative_to(ROOT)} has a {model.cls} already. Call this one something "
                    f'else: FIELDS="my_{model.singular}: …".'
                )
