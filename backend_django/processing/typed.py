"""Parameters and results as dataclasses: typed for their author, checked at the edge."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, field, fields, is_dataclass
from enum import Enum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from rest_framework.serializers import Serializer
from rest_framework_dataclasses.serializers import DataclassSerializer


def parameter(
    *,
    default: Any = MISSING,
    help_text: str = "",
    minimum: Any = None,
    maximum: Any = None,
    max_length: int | None = None,
    max_digits: int | None = None,
    decimal_places: int | None = None,
) -> Any:
    """Return a field of a dataclass with limits, which callers of the API are told of.

    Types, choices (`Literal`, `Enum`) and what may be left out (a default) are the annotation's.
    """
    limits = {
        "help_text": help_text or None,
        "min_value": minimum,
        "max_value": maximum,
        "max_length": max_length,
        "max_digits": max_digits,
        "decimal_places": decimal_places,
    }
    given = {name: value for name, value in limits.items() if value is not None}
    return field(default=default, metadata={"serializer_kwargs": given})


def serializer_of(kind: type) -> type[Serializer]:
    """Return the serializer of a dataclass; one that is a serializer already as it is."""
    if issubclass(kind, Serializer):
        return kind
    # What is left out is stored as its default, and is read by this serializer again.
    blank = {one.name: {"allow_blank": True} for one in fields(kind) if one.default == ""}  # type: ignore[arg-type]
    meta = type("Meta", (), {"dataclass": kind, "extra_kwargs": blank})
    generated = type(kind.__name__, (DataclassSerializer,), {"Meta": meta})
    own = (kind.__doc__ or "").startswith(f"{kind.__name__}(")  # what dataclass() has written
    return type(
        f"{kind.__name__}Serializer",
        (Serializer,),
        {**generated().get_fields(), "__doc__": None if own else kind.__doc__},
    )


def to_plain(values: Any) -> Any:
    """Return values as JSON has them: dataclasses as objects, dates and decimals as texts."""
    return json.loads(json.dumps(values, cls=_Encoder, allow_nan=False))


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if is_dataclass(o) and not isinstance(o, type):
            return asdict(o)
        return o.value if isinstance(o, Enum) else super().default(o)


def to_typed(kind: type, values: Mapping[str, Any]) -> Any:
    """Return JSON values as an instance of a dataclass.

    Raises:
        ValueError: they are none of it, such as those of an older release.
    """
    serializer = serializer_of(kind)(data=dict(values))
    if not serializer.is_valid():
        raise ValueError(f"{kind.__name__}: {serializer.errors}")
    return kind(**serializer.validated_data)
