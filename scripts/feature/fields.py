"""The types a field may have, and what each is in the model, the API, the page and the tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """`model` is a Django field, `python` an annotation, `samples` two values in Python."""

    model: str
    python: str
    samples: tuple[str, str]
    serializer: str  # of a job's parameter
    imports: str = ""
    text: bool = False  # empty instead of null, and found by a search


TYPES = {
    "string": Type("CharField(max_length=200)", "str", ('"First"', '"Second"'),
                   "CharField(max_length=200)", text=True),
    "text": Type("TextField(max_length=10_000)", "str", ('"First lines."', '"Second lines."'),
                 "CharField(max_length=10_000)", text=True),
    "slug": Type("SlugField(max_length=80)", "str", ('"first"', '"second"'),
                 "SlugField(max_length=80)", text=True),
    "int": Type("IntegerField()", "int", ("1", "2"),
                "IntegerField(min_value=-2_147_483_648, max_value=2_147_483_647)"),
    "decimal": Type("DecimalField(max_digits=12, decimal_places=2)", "Decimal",
                    ('"10.50"', '"20.00"'),
                    "DecimalField(max_digits=12, decimal_places=2)", "from decimal import Decimal"),
    "float": Type("FloatField()", "float", ("1.5", "2.5"), "FloatField()"),
    "bool": Type("BooleanField(default=False)", "bool", ("False", "True"),
                 "BooleanField(default=False)"),
    "date": Type("DateField()", "date", ('"2026-03-01"', '"2026-03-02"'), "DateField()",
                 "from datetime import date"),
    "datetime": Type("DateTimeField()", "datetime",
                     ('"2026-03-01T08:00:00Z"', '"2026-03-02T08:00:00Z"'), "DateTimeField()",
                     "from datetime import datetime"),
    "url": Type("URLField(max_length=500)", "str",
                ('"https://example.org/first"', '"https://example.org/second"'),
                "URLField(max_length=500)", text=True),
    "email": Type("EmailField()", "str", ('"first@example.org"', '"second@example.org"'),
                  "EmailField()", text=True),
}  # fmt: skip


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
    choices: tuple[str, ...] = ()
    target: str = ""  # of a ref: the model it leads to, "Category"

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def spec(self) -> Type:
        return TYPES[self.type]

    @property
    def is_text(self) -> bool:
        return self.type == "choice" or (self.type != "ref" and self.spec.text)

    @property
    def is_strict(self) -> bool:
        """Whether a job's parameter is read by a field of ours."""
        return self.type in {"decimal", "date", "datetime"}

    @property
    def is_filter(self) -> bool:
        return self.type in {"bool", "choice", "ref"}

    @property
    def sortable(self) -> bool:
        return self.type not in {"text", "ref"}

    @property
    def required(self) -> bool:
        return not self.optional and self.type != "bool"

    @property
    def annotation(self) -> str:
        return ": Any" if self.name in SERIALIZER_MEMBERS else ""

    @property
    def enum(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def max_length(self) -> int | None:
        lengths = {"string": 200, "text": 10_000, "slug": 80, "url": 500, "email": 254}
        return lengths.get(self.type)

    @property
    def model_code(self) -> str:
        """The field of the Django model."""
        none = (
            "" if not self.optional else "blank=True" if self.is_text else "null=True, blank=True"
        )
        if self.type == "choice":
            longest = max(20, *map(len, self.choices))
            code = f"CharField(max_length={longest}, choices={self.enum})"
        elif self.type == "ref":
            gone = "SET_NULL" if self.optional else "RESTRICT"
            code = f'ForeignKey("{self.target}", on_delete=models.{gone}, related_name="+")'
        else:
            code = self.spec.model
        return "models." + (
            code[:-1] + (", " if code[-2] != "(" else "") + none + ")" if none else code
        )

    @property
    def argument(self) -> str:
        """The argument of the service that makes a row."""
        python = {"choice": "str", "ref": self.target}.get(self.type) or self.spec.python
        if self.type == "bool":
            return f"{self.name}: bool = False"
        if not self.optional:
            return f"{self.name}: {python}"
        return f'{self.name}: str = ""' if self.is_text else f"{self.name}: {python} | None = None"

    def sample(self, which: int) -> str:
        """A value for tests, as Python code; 0 or 1. A ref's is the name of a fixture's id."""
        if self.type == "choice":
            return f'"{self.choices[min(which, len(self.choices) - 1)]}"'
        return self.spec.samples[which]

    @property
    def parameter_code(self) -> str:
        """The field of a job's parameters."""
        none = ", required=False" if self.optional else ""
        if self.type == "choice":
            return f"serializers.ChoiceField(choices={list(self.choices)}{none})"
        code = ("" if self.is_strict else "serializers.") + self.spec.serializer
        return (code[:-1] + (none if code[-2] != "(" else none[2:]) + ")") if none else code
