"""Reads NAME, KIND and FIELDS, and refuses with a sentence what could not work."""

import re
from dataclasses import dataclass, replace

from scripts.environment import ROOT
from scripts.feature.fields import FILES, RANGES, REFERENCES, TYPES, Field
from scripts.feature.inputs import Inputs, read_inputs
from scripts.feature.names import (
    BACKEND,
    BUILTINS,
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
)
from scripts.feature.options import check_options
from scripts.feature.others import is_private, offers

HOW = {*TYPES, "choice(a|b)", "decimal(12,4)", "user", "ref:model", "many:model"} - {
    "choice",
    *REFERENCES,
}


@dataclass(frozen=True)
class Model:
    """A table: `singular` and `plural` as in addresses, "expense" and "expenses"."""

    singular: str
    plural: str
    fields: tuple[Field, ...]
    owned: bool
    main: bool
    seen: bool = False  # by everybody who is signed in, and changed by its owner

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
    def title(self) -> Field:
        """The field that names a row to people: a required text, else a required one, else any."""
        texts = [f for f in self.fields if f.is_text and f.required and f.type != "choice"]
        short = [f for f in texts if f.type != "text"]
        plain = [f for f in self.fields if f.sortable and f.type not in RANGES]
        required = [f for f in plain if f.required]
        return next(iter([*short, *texts, *required, *plain]))

    @property
    def refs(self) -> list[Field]:
        return [f for f in self.fields if f.type in REFERENCES]

    @property
    def searched(self) -> list[Field]:
        return [f for f in self.fields if f.spec.text]


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
    owners = {"owner:user", "owner:user(seen)"}
    owned = {singular: bool(owners & {*tokens}) for singular, tokens in named}
    private = {singular for singular, tokens in named if "owner:user" in tokens}
    models = []
    for position, (singular, tokens) in enumerate(named):
        check_identifier(singular, "model")
        plural = name if position == 0 and singular == singular_of(name) else plural_of(singular)
        fields = [read_field(token, singulars) for token in tokens if token not in owners]
        check_fields(singular, fields)
        for field in fields:
            hidden = (
                is_private(field.feature, field.target)
                if field.feature
                else field.target in private
            )
            if hidden and singular not in private:
                raise SpecError(
                    f"{field.name} leads to a {field.target}, which only its owner sees, "
                    f"but anybody sees a {singular}: give the {singular} owner:user too."
                )
        seen = owned[singular] and singular not in private
        models.append(Model(singular, plural, tuple(fields), owned[singular], position == 0, seen))
    return tuple(models)


def in_order(models: tuple[Model, ...]) -> list[Model]:
    """Return the models so that what one refers to comes before it, where that can be.

    Raises:
        SpecError: none of some can be made first.
    """
    left, done = list(models), []
    while left:
        missing = {model.singular for model in left}
        ready = [model for model in left if not missing & own_targets(model)] or [
            model for model in left if not missing & own_targets(model, required=True)
        ]
        if not ready:
            names = " and ".join(f"{model.a} {model.one}" for model in left)
            raise SpecError(
                f"Of {names} none can be made first, as each needs another one: let a reference "
                f"be left out, such as {left[0].refs[0].name}:ref:{left[0].refs[0].target}?"
            )
        done.append(ready[0])
        left.remove(ready[0])
    return done


def own_targets(model: Model, *, required: bool = False) -> set[str]:
    """Return the models of the same feature that one refers to; not those of many, or itself."""
    return {
        field.target
        for field in model.refs
        if not field.feature and field.type == "ref" and (field.required or not required)
    }


def read_parameters(text: str) -> list[Field]:
    # A request belongs to who makes it, with or without owner:user.
    tokens = [token for token in text.split() if token != "owner:user"]
    for token in tokens:
        if re.search(r":(ref|many):", token):
            raise SpecError(f"{token}: a job has no models to refer to; give it another type.")
    fields = [read_field(token, []) for token in tokens]
    for field in fields:
        if field.unique:
            raise SpecError(f"{field.name}: a parameter cannot be unique.")
        if field.type != "choice" and not field.spec.serializer:
            raise SpecError(f"{field.name}: a parameter cannot be of type {field.type}.")
        if field.name in {"name", *OF_A_RESULT}:
            raise SpecError(
                f"A job, or its result, has {field.name} already: call the parameter something "
                "else."
            )
    check_fields("job", fields, parameters=True)
    return fields


def read_field(token: str, models: list[str]) -> Field:
    """Return a field as it was written: `name:type`, `?` or `=default` or `=unique` after it."""
    name, colon, rest = token.partition(":")
    if not colon:
        raise SpecError(f"“{token}” has no type: write {token}:string, or one of {words()}.")
    check_identifier(name, "field")
    if name in FIELD_NAMES:
        raise SpecError(f"A field cannot be called {name}: that is there already.")
    rest, equals, option = rest.partition("=")
    optional, rest = rest.endswith("?"), rest.removesuffix("?")
    if name == "owner" or rest == "user":
        raise SpecError(
            "owner:user is the one field of type user, and is never optional: rows belong to who "
            "makes them. Add another relation to people by hand; a list of all accounts to choose "
            "from would tell everybody who has one."
        )
    field = read_type(name, rest, models)
    is_unique = option == "unique"
    field = replace(field, optional=optional, unique=is_unique, default="" if is_unique else option)
    if equals and not option:
        raise SpecError(f"{name}: after “=” comes a default, or “unique”.")
    check_options(field)
    return field


def read_type(name: str, text: str, models: list[str]) -> Field:
    """Return a field of the type that a text says."""
    form = re.fullmatch(r"(\w+)(?:\((.*)\)|:(.+|))?", text)
    kind, inside, target = form.groups() if form else (text, None, None)
    if kind in REFERENCES:
        return read_reference(name, kind, target or "", models)
    if kind == "choice" and inside is not None:
        return read_choices(name, inside)
    if kind == "decimal" and inside is not None:
        digits = re.fullmatch(r"(\d{1,3}),(\d{1,3})", inside)
        if not digits or not 1 <= int(digits[1]) <= 131 or int(digits[2]) > int(digits[1]):
            raise SpecError(
                f"{name}: say how many digits there are, and how many of them after the point: "
                "decimal(12,4)."
            )
        return Field(name, kind, digits=(int(digits[1]), int(digits[2])))
    if kind in RANGES and inside is not None:
        return Field(name, kind, apart=inside)
    if kind not in TYPES or kind == "choice" or inside is not None or target is not None:
        raise SpecError(f"{name}: “{text}” is no type. There are {words()}.")
    return Field(name, kind)


def read_choices(name: str, text: str) -> Field:
    """Return a field of the choices `low|high`, or `low:Not_much|high:A_lot` with labels."""
    parts = [part.partition(":") for part in text.split("|")]
    values = tuple(value for value, _, _ in parts)
    if not all(NAME.fullmatch(value) for value in values):
        raise SpecError(
            f"{name}: choices are words in lower case, such as choice(low|high), with labels "
            "choice(low:Not_much|high:A_lot)."
        )
    if any("\\" in label or '"' in label or "'" in label for _, _, label in parts):
        raise SpecError(f"{name}: a label has no quotes and no backslashes.")
    if len(set(values)) < len(values):
        raise SpecError(f"{name}: a choice stands there twice.")
    labels = tuple((label or value.capitalize()).replace("_", " ") for value, _, label in parts)
    return Field(name, "choice", choices=values, labels=labels)


def read_reference(name: str, kind: str, target: str, models: list[str]) -> Field:
    """Return a reference to a model of this feature, or of another: `tools.hammer`."""
    feature, dot, model = target.rpartition(".")
    if not dot and target in models:
        return Field(name, kind, target=target)
    if dot and offers(feature, model):
        return Field(name, kind, target=model, feature=feature)
    if dot:
        raise SpecError(
            f"{name}: backend_django/{feature}/public.py offers no {camel(model)}: name it there."
        )
    known = ", ".join(models) or "none"
    raise SpecError(
        f"{name}: there is no model “{target}” in this feature (there is: {known}). Name "
        f"it in FIELDS: “…; {target or 'category'}: name:string”, or one of another feature: "
        f"{kind}:tools.hammer."
    )


def words() -> str:
    return ", ".join(sorted(HOW))


def check_fields(model: str, fields: list[Field], *, parameters: bool = False) -> None:
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"{model} has {name} twice.")
    of_refs = {
        f"{field.name}_{end}"
        for field in fields
        for end in ("id", "name", "names", "start", "end")
        if field.type in {*REFERENCES, *FILES, *RANGES}
    }
    for field in fields:
        if field.apart and field.apart not in {f.name for f in fields if f.type == "ref"}:
            raise SpecError(
                f"{field.name}: no two overlap of the same what? Name a reference of {model}: "
                f"{field.type}(room), with room:ref:room."
            )
    for name in {model, *of_refs} & set(names) - {"job"}:
        raise SpecError(
            f"A {model} cannot have a field called {name}: that is there already, for the "
            f"{'row itself' if name == model else 'reference'}. Choose another name."
        )
    if not parameters and not any(f.sortable and f.type not in RANGES for f in fields):
        raise SpecError(f"{model} has nothing of its own: give it a field such as title:string.")


def check_models(feature: str, models: tuple[Model, ...]) -> None:
    """The names of models are the names of types in the API: each stands there once."""
    classes = {model.cls: model for model in models}
    for model in models:
        taken = {model.cls} & MODEL_NAMES | {model.var} & PAGE_NAMES
        if taken := taken | {model.cls, model.singular} & BUILTINS:
            raise SpecError(
                f"A model cannot be called {model.singular}: its sources have another use for "
                f'“{min(taken)}”; choose another name: FIELDS="my_{model.singular}: …".'
            )
        for other in filter(None, (classes.get(model.cls + suffix) for suffix in SUFFIXES)):
            raise SpecError(
                f"{model.singular} and {other.singular} would both have a {other.cls}: choose "
                f"another name for the {other.singular}."
            )
        for field in (field for field in model.fields if field.unique or field.type in RANGES):
            if len(f"{feature}_{model.singular}_{field.name}_start_overlap") > LONGEST_IN_DATABASE:
                raise SpecError(
                    f"{feature}, {model.singular} and {field.name} are together too long for the "
                    "name of a rule in the database: shorten one of them."
                )
        pattern = re.compile(rf"^class ({model.cls}|{model.cls}Serializer)\(", re.MULTILINE)
        for path in BACKEND.rglob("*.py"):
            if "tests" not in path.parts and pattern.search(path.read_text(encoding="utf-8")):
                raise SpecError(
                    f"{path.relative_to(ROOT)} has a {model.cls} already. Call this one something "
                    f'else: FIELDS="my_{model.singular}: …".'
                )
