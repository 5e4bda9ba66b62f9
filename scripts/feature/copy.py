"""Writes a feature of rows: a copy of the example, renamed, with the fields that are asked for.

The code of each model is that of the example's `Instrument`. Where that has lines of its fields,
the copy has lines of its own: each is the line of the example's field of the same type, from
whichever of the two models of the example has one (fields.TYPES).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TypeVar

from scripts.feature import lines
from scripts.feature.blocks import Block, blocks_of
from scripts.feature.fields import TYPES, Field
from scripts.feature.names import camel, plural_of
from scripts.feature.spec import Model, Spec, in_order

FRAME, OTHER = "Instrument", "Booking"
FIELDS = {
    model: {kind.field: name for name, kind in TYPES.items() if kind.model == model}
    for model in (FRAME, OTHER)
}
FIELDS[OTHER]["purpose"] = ""  # its title; the frame has the line for a string
PRIVATE = "_others_see_no_"  # the test that the frame, which others do see, has not
# The copy renames the words of the example. Names that the user gives spell them otherwise until it
# is made: letters inside of them, so that capitals, plurals and "an" stay right.
WORDS = [FRAME, OTHER, *FIELDS[FRAME], *FIELDS[OTHER], "requested", "confirmed"]
STEMS = [word.lower().split("_")[0].rstrip("s")[1:] for word in WORDS]
SPELT = {stem: f"{stem[0]}qx{stem[3:]}" for stem in STEMS}
SPELT |= {stem.upper(): other.upper() for stem, other in SPELT.items()}
T = TypeVar("T")
IN_CONSTRAINT = re.compile(r"\s*(models\.)?\w+Constraint\(")


def hide_words(value: T) -> T:
    """Return a specification, or a piece of one, without a word that the copy would rename."""
    made: object = value
    if isinstance(value, str):
        made = replace_all(value, SPELT)
    elif isinstance(value, tuple):
        made = tuple(hide_words(item) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        given = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "type"}
        made = replace(value, **{name: hide_words(item) for name, item in given.items()})
    return made  # type: ignore[return-value]


def show_words(folder: Path) -> None:
    """Spell the user's words as they were given, in the files of a copy and in their names."""
    spelt = {other: word for word, other in SPELT.items()}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.write_text(replace_all(path.read_text("utf-8"), spelt), "utf-8")
        path.rename(path.with_name(replace_all(path.name, spelt)))


def replace_all(text: str, words: dict[str, str]) -> str:
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def is_of(model: str, text: str) -> bool:
    plural = rf"{model.upper()}S|/{model.lower()}s/" if model == FRAME else f"{model.upper()}S"
    return bool(re.search(rf"(?i){model}(?!s)", text) or re.search(plural, text))


def of_model(block: Block) -> str:
    """Return the model of the example that a block is about, "" when it is about none."""
    if block.header.lstrip().startswith(("import ", "from ")):
        return ""
    text = block.text if block.header.strip() == "*crud_urls(" else block.header
    if re.match(r'\s*"instruments/",$', text):
        return FRAME
    return next((model for model in (OTHER, FRAME) if is_of(model, text)), "")


def of_field(block: Block, model: str) -> str | None:
    """Return the field of a model of the example that a block is about, None for none."""
    text = block.text if IN_CONSTRAINT.match(block.header) else block.header
    if text.strip() == "{":  # of an object on several lines
        text = next((line for line in block.lines if "name: '" in line), "")
    found = [
        name
        for name in FIELDS[model]
        if re.search(rf"(?i)(?<![a-z]){name}(?![a-z])", text)
        and not text.lstrip().startswith('"""')
    ]
    # A period, and the rule that no two overlap, name what they are of as well.
    return "period" if "period" in found else found[0] if found else None


class Copy:
    """The copy of one feature."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.ordered = in_order(spec.models)

    def source(self, text: str) -> str:
        """Return what a source of the example is in the copy."""
        joined = re.sub(r"(?m)^(from \S+ import) \(\n([^)]*)\n\)", _in_one_line, text)
        made = "".join(self._level(blocks_of(joined.splitlines())))
        return lines.tidy(self._feature(made), self.spec)

    def page(self, text: str, model: Model) -> str:
        """Return what a page of the example is for a model of the copy."""
        return self._feature(self._rename(lines.page(text, model, self.spec), FRAME, model))

    def _level(self, blocks: Sequence[Block]) -> Iterator[str]:
        """Give the text of blocks of which some are about models, each for every model."""
        start = 0
        while start < len(blocks):
            end = start
            while end < len(blocks) and of_model(blocks[end]):
                end += 1
            if end > start:
                yield from self._models(blocks[start:end])
                start = end
                continue
            if lines.is_wanted(blocks[start].header, *self.spec.models):
                yield self._whole(blocks[start], lambda inner: "".join(self._level(inner)))
            start += 1

    def _models(self, group: Sequence[Block]) -> Iterator[str]:
        frame = [block for block in group if of_model(block) == FRAME]
        other = [block for block in group if of_model(block) == OTHER]
        late_first = bool(other) and of_model(group[0]) == FRAME
        for model in self.ordered if late_first else self.ordered[::-1]:
            yield "".join(self._fill(frame, other, model))

    def _fill(self, frame: Sequence[Block], other: Sequence[Block], model: Model) -> Iterator[str]:
        """Give the blocks of the frame, with those of the fields of a model where fields are."""
        with_runs = {key: run for key, _, run in _runs(other, OTHER)}
        inside = {_key(block): block for _, block, _ in _runs(other, OTHER) if block}
        for key, block, run in _runs(frame, FRAME):
            if block:
                yield self._one(block, inside.get(_key(block)), model)
            both = [*run, *with_runs.get(key, [])]
            for field in model.fields:
                for found, of in both:
                    if _is_for(found, of, field) and self._can(found, field, model):
                        yield self._line(found, of, field, model)
            for found, of in both:
                if PRIVATE in found.header and "private" in lines.traits(model):
                    yield self._rename(found.text, of, model)
                elif of == FRAME and lines.ABOUT_ONE.match(found.header):
                    yield self._line(found, of, model.title, model)

    def _one(self, block: Block, other: Block | None, model: Model) -> str:
        """Return a block of the frame that is about no field, unless this model does without."""
        if not lines.is_wanted(block.header, model):
            return ""
        others = [piece for piece in other.pieces() if isinstance(piece, list)] if other else []
        parts = iter(others)

        def inner(blocks: Sequence[Block]) -> str:
            if re.search(r"== \{$", block.header):
                return "".join(
                    f'        "{c}",\n' for f in model.fields if f.required for c in f.columns
                )
            return "".join(self._fill(blocks, next(parts, []), model))

        return self._rename(self._whole(block, inner), FRAME, model)

    def _whole(self, block: Block, inner: Callable[[Sequence[Block]], str]) -> str:
        text = "".join(f"{line}\n" for line in block.space)
        for piece in block.pieces():
            text += f"{self._imports(piece)}\n" if isinstance(piece, str) else inner(piece)
        return text

    def _imports(self, line: str) -> str:
        """Return an import of something of both models as one of the same of all models."""
        form = re.fullmatch(r"(\s*from \S+ import |import \{ )(.*?)( \} from .*)?", line)
        if not form:
            return line
        found: list[str] = []
        for name in form[2].split(", "):
            if FRAME.lower() in name.lower():
                found += [self._rename(name, FRAME, model) for model in self.spec.models]
            elif OTHER.lower() not in name.lower():
                found.append(name)
        return f"{form[1]}{', '.join(found)}{form[3] or ''}"

    def _line(self, block: Block, source: str, field: Field, model: Model) -> str:
        """Return a block about a field of the example as one about a field of a model."""
        text = lines.fit_values(block.text, field)
        if field.type in {"ref", "many"}:
            text = self._name_target(text, field)
        elif field.apart:
            apart = next(other for other in model.fields if other.name == field.apart)
            text = re.sub(
                r"(?<![a-z])instrument(?![a-z_])", apart.name, self._name_target(text, apart)
            )
        old = of_field(block, source) or ""
        if lines.ABOUT_ONE.match(text):
            text = re.sub(rf"(self|row)\.{old}", rf"\1.{field.name}", text)
        else:
            text = lines.rename_field(text, old, field)
        text = self._rename(text, source, model)
        return lines.adapt_to_field(text, field, model)

    def _can(self, block: Block, field: Field, model: Model) -> bool:
        """Return whether a test can give a reference: what it leads to is made before."""
        if field.type != "ref" or not re.search(r"make_\w+\(owner|index=1", block.text):
            return True
        if field.feature:  # the page has none of its rows to choose from
            return "index=1" not in block.text
        return field.target in {m.singular for m in self.ordered[: self.ordered.index(model)]}

    def _name_target(self, text: str, field: Field) -> str:
        """Return a text about the instrument to which one refers, as one about another model."""
        target = next((m for m in self.spec.models if m.singular == field.target), None)
        plural = target.plural if target and not field.feature else plural_of(field.target)
        own = re.sub(r'"Instrument"', f'"{field.feature}.{camel(field.target)}"', text)
        text = own if field.feature else text
        names = {"INSTRUMENTS": plural.upper(), "Instrument": camel(field.target),
                 "make_instrument": f"make_{field.target}",
                 "instruments": lines.lower_camel(plural)}  # fmt: skip
        return re.sub("|".join(names), lambda found: names[found[0]], text)

    def _rename(self, text: str, source: str, model: Model) -> str:
        """Return a text about a model of the example as one about a model of the copy."""
        one = source.lower()
        if source == FRAME and model.main:  # its addresses have no part of their own
            text = re.sub(r'(?m)^ *"instruments/",\n', "", text)
            text = re.sub(r"/instruments(?=[/\"'`])", "", text)
            actions = r"(create|list|detail|update|delete)\b|\""
            text = re.sub(rf"(?<=[\"'_])instrument_(?={actions})", "", text)
        text = re.sub(rf"\ban? {one}\b", f"{model.a} {model.one}", text)
        text = re.sub(rf"\bAn? {one}\b", f"{model.a.capitalize()} {model.one}", text)
        text = re.sub(rf"(?<=_)an?_{one}(?=_)", f"{model.a}_{model.singular}", text)
        text = re.sub(rf"(?<=[Tt]his ){one}(?= is)", model.one, text)
        names = {f"{source}s": camel(model.plural), source: model.cls,
                 f"{one}Fields": f"{lines.lower_camel(model.singular)}Fields",
                 f"{one.upper()}S": model.plural.upper(), one: model.singular}  # fmt: skip
        text = re.sub(rf"(?<==\"){one}s(?=\")", model.var, text)
        text = re.sub(rf"(?<=[/\"']){one}s(?=[/\"'])", model.plural, text)
        text = re.sub(rf"\b{one}s\b", model.var, text) if source == FRAME else text
        form = "|".join(names) if source == FRAME else "|".join(names) + "(?!s)"
        return re.sub(form, lambda found: names[found[0]], text)

    def _feature(self, text: str) -> str:
        """Return a text with the name of the feature in place of the example's."""
        text = re.sub(r"BookingsConfig", f"{self.spec.cls}Config", text)
        text = re.sub(r"\btest_bookings_are", f"test_{self.spec.name}_are", text)
        return text.replace("bookings", self.spec.name)


def _in_one_line(found: re.Match[str]) -> str:
    names = [name.strip().rstrip(",") for name in found[2].splitlines()]
    return f"{found[1]} {', '.join(names)}"


def _key(block: Block) -> str:
    """Return what the header of a block is, whichever model of the example it is about."""
    header = block.header.strip()
    if header.startswith('"""'):
        return '"""'
    header = re.sub(r"^(return|\w+ =) row_create", "row_create", header)
    header = re.sub(r"(?i)\ban?_?(?=[ _](booking|instrument))|instruments?|bookings?", "X", header)
    return re.sub(r"X_(?=create|list|detail|update|delete)", "", header)


def _runs(
    blocks: Sequence[Block], model: str
) -> list[tuple[str, Block | None, list[tuple[Block, str]]]]:
    """Return the blocks that are about no field, each with those about fields that follow it."""
    found: list[tuple[str, Block | None, list[tuple[Block, str]]]] = [("", None, [])]
    for block in blocks:
        if of_field(block, model) is None and PRIVATE not in block.header:
            found.append((_key(block), block, []))
        else:
            found[-1][2].append((block, model))
    return found


def _is_for(block: Block, model: str, field: Field) -> bool:
    """Return whether a block about a field of the example is to be there for a field of a model."""
    text = block.text
    if lines.ABOUT_ONE.match(block.header):
        return False
    if "unique" in text and ("Constraint" in text or "_unique(" in text):
        return field.unique
    if of_field(block, model) != field.spec.field or model != field.spec.model:
        return False
    if "overlap" in text:
        return bool(field.apart)
    if "_keeps_its_" in text:
        return field.required and not field.feature
    return True


def copy_example(spec: Spec, example: tuple[Path, Path], target: tuple[Path, Path]) -> None:
    """Write the files of a feature from those of the example."""
    spec = hide_words(spec)
    copy = Copy(spec)
    everything = [field for model in spec.models for field in model.fields]
    for source in sorted(example[0].rglob("*.py")):
        name = source.relative_to(example[0])
        if "migrations" in name.parts and name.name != "__init__.py":
            continue
        if name.name == "configure.py" and not any(field.apart for field in everything):
            continue
        path = target[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(copy.source(source.read_text("utf-8")), "utf-8")
    if any(f.feature and f.required for f in everything):
        (target[0] / "tests" / "test_page.py").unlink()  # nothing there to choose from
    (target[0] / "README.md").write_text(lines.readme(spec), "utf-8")
    for page in ("api.ts", "fields.ts", "locales/index.ts", "locales/first/index.ts"):
        path = target[1] / page
        path.parent.mkdir(parents=True, exist_ok=True)
        text = copy.source((example[1] / page).read_text("utf-8"))
        path.write_text(lines.without_unused(text), "utf-8")
    for model in spec.models:
        for part in ("ListPage", "Page", "FormPage"):
            text = (example[1] / f"{FRAME}{part}.vue").read_text("utf-8")
            made = copy.page(text, model)
            (target[1] / f"{model.cls}{part}.vue").write_text(made, "utf-8")
    (target[1] / "public.ts").write_text(lines.public(spec), "utf-8")
    index = (example[1] / "index.ts").read_text("utf-8")
    (target[1] / "index.ts").write_text(lines.index(index, spec), "utf-8")
    lines.write_messages(spec, target[1] / "locales")
    for folder in target:
        show_words(folder)
