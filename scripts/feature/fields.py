"""The types a field may have: what each is called in the example, and what a field says besides."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """The place of a type's code: a field of the example, and the model that has it.

    The others are of a job's parameter; without them it can be none.
    """

    model: str
    field: str
    python: str
    serializer: str = ""
    samples: tuple[str, str] = ("", "")  # in Python
    text: bool = False  # empty instead of null, and found by a search


TYPES = {
    "string": Type("Instrument", "title", "str", "CharField(max_length=200)",
                   ('"First"', '"Second"'), text=True),
    "text": Type("Booking", "remarks", "str", "CharField(max_length=10_000)",
                 ('"First lines."', '"Second lines."'), text=True),
    "slug": Type("Instrument", "inventory", "str", "SlugField(max_length=80)",
                 ('"first"', '"second"'), text=True),
    "int": Type("Booking", "guests", "int",
                "IntegerField(min_value=-2_147_483_648, max_value=2_147_483_647)", ("1", "2")),
    "decimal": Type("Instrument", "hourly_rate", "Decimal",
                    "DecimalField(max_digits=12, decimal_places=2)", ('"10.50"', '"20.00"')),
    "float": Type("Instrument", "precision", "float", "FloatField()", ("1.5", "2.5")),
    "bool": Type("Booking", "supervised", "bool", "BooleanField(default=False)",
                 ("False", "True")),
    "date": Type("Instrument", "acquired", "date", "DateField()",
                 ('"2026-03-01"', '"2026-03-02"')),
    "datetime": Type("Booking", "reminder", "datetime", "DateTimeField()",
                     ('"2026-03-01T08:00:00Z"', '"2026-03-02T08:00:00Z"')),
    "url": Type("Instrument", "website", "str", "URLField(max_length=500)",
                ('"https://example.org/first"', '"https://example.org/second"'), text=True),
    "email": Type("Instrument", "contact", "str", "EmailField()",
                  ('"first@example.org"', '"second@example.org"'), text=True),
    "choice": Type("Booking", "state", "str"),
    "ref": Type("Booking", "instrument", ""),
    "many": Type("Instrument", "alternatives", ""),
    "file": Type("Instrument", "manual", "Upload"),
    "image": Type("Instrument", "picture", "Upload"),
    "json": Type("Instrument", "specification", "Any"),
    "period": Type("Booking", "period", "datetime"),
    "days": Type("Booking", "period", "date"),
}  # fmt: skip
RANGES = {"period", "days"}
FILES = {"file", "image"}
REFERENCES = {"ref", "many"}
WITH_DEFAULT = {"string", "text", "slug", "int", "decimal", "float", "bool", "url", "email",
                "choice"}  # fmt: skip


# Members of a serializer: a field of the same name is well, but must tell mypy that it is meant.
SERIALIZER_MEMBERS = {
    "allow_null", "bind", "child", "context", "create", "data", "default", "error_messages",
    "errors", "fail", "field_name", "fields", "get_default", "get_value", "help_text", "initial",
    "initial_data", "instance", "is_valid", "label", "many", "many_init", "parent", "partial",
    "read_only", "required", "root", "source", "source_attrs", "style", "update", "validate",
    "validated_data", "validators", "write_only",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field of a model, or one parameter of a job."""

    name: str
    type: str
    optional: bool = False
    unique: bool = False
    default: str = ""  # as it was written: "3", "open"
    choices: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()  # of the choices
    target: str = ""  # of a reference: the model it leads to, "category"
    feature: str = ""  # whose model that is, where it is another one's
    digits: tuple[int, int] = (12, 2)  # of a decimal, and how many of them are after the point
    apart: str = ""  # of a period: the reference within whose rows no two overlap

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def spec(self) -> Type:
        return TYPES[self.type]

    @property
    def columns(self) -> tuple[str, ...]:
        is_range = self.type in RANGES
        return (f"{self.name}_start", f"{self.name}_end") if is_range else (self.name,)

    @property
    def is_text(self) -> bool:
        return self.type == "choice" or self.spec.text

    @property
    def is_strict(self) -> bool:
        """Whether a job's parameter is read by a field of ours."""
        return self.type in {"decimal", "date", "datetime"}

    @property
    def sortable(self) -> bool:
        return self.type not in {"text", "json", *REFERENCES, *FILES}

    @property
    def required(self) -> bool:
        never = {"bool", "many", "json"}
        return not (self.optional or self.default or self.type in never)

    @property
    def annotation(self) -> str:
        return ": Any" if self.name in SERIALIZER_MEMBERS else ""

    @property
    def enum(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def max_length(self) -> int | None:
        found = re.search(r"max_length=([\d_]+)", self.spec.serializer)
        return 254 if self.type == "email" else int(found[1]) if found else None

    @property
    def default_code(self) -> str:
        """The default in Python, for the argument of a function."""
        if self.type == "choice":
            return self.default.upper()
        if self.type == "bool":
            return "True" if self.default == "true" else "False"
        if self.type == "decimal":
            return f'Decimal("{self.default}")'
        return f'"{self.default}"' if self.is_text else self.default

    def sample(self, which: int) -> str:
        """A value for tests, as Python code; 0 or 1."""
        if self.type == "choice":
            return f'"{self.choices[min(which, len(self.choices) - 1)]}"'
        return self.spec.samples[which]

    @property
    def parameter_code(self) -> str:
        """The field of a job's parameters."""
        none = f", default={self.parameter_default}" if self.default else ""
        none = none or (", required=False" if self.optional else "")
        if self.type == "choice":
            named = (
                [*zip(self.choices, self.labels, strict=True)] if self.labels else [*self.choices]
            )
            return f"serializers.ChoiceField(choices={named}{none})"
        if self.type == "bool":
            return f"serializers.BooleanField(default={self.default_code})"
        code = ("" if self.is_strict else "serializers.") + self.spec.serializer
        if self.type == "decimal":
            digits = "max_digits={}, decimal_places={}".format(*self.digits)
            code = re.sub(r"\(.*", f"({digits})", code)
        return (code[:-1] + (none if code[-2] != "(" else none[2:]) + ")") if none else code

    @property
    def parameter_default(self) -> str:
        is_text = self.type in {"choice", "decimal"}  # as it reaches the job
        return f'"{self.default}"' if is_text else self.default_code
