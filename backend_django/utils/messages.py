"""Messages for people that are composed in one place and translated in another. Without Django.

A worker composes why a job failed; whoever reads it has a language of their own. So a message stays
what it was composed of until it is read (translation.py).
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Self

from .text import clean_text

_PLACE = re.compile(r"%(?:\((\w+)\)s|%)")


def compose(text: str, values: Mapping[str, str]) -> str:
    """Put values into a text, at `%(name)s`; nothing else is a place, whatever a job wrote."""
    return _PLACE.sub(lambda found: values[found[1]] if found[1] else "%", text) if values else text


class Message(str):
    """English text that can be translated later, as it knows what it was composed of.

    `Message("It has %(bands)s bands; %(most)s are allowed.", bands=7, most=4)`: write it in one
    piece, as `make messages` collects it from the source. Numbers are grouped by language; give
    those that are names, such as codes, as strings.
    """

    text: str
    values: dict[str, Any]
    plural: str
    number: int | None

    def __new__(cls, text: str, /, **values: Any) -> Self:
        return cls._make(text, values)

    @classmethod
    def counted(cls, one: str, many: str, /, *, count: int, **values: Any) -> Self:
        """Return the one or the other text, by the count and by the language of the reader."""
        return cls._make(one, {"count": count, **values}, many, count)

    @classmethod
    def _make(
        cls, text: str, values: Mapping[str, Any], plural: str = "", count: int | None = None
    ) -> Self:
        values = {name: _plain(value) for name, value in values.items()}
        chosen = plural if plural and count != 1 else text
        written = {name: _in_english(value) for name, value in values.items()}
        made = super().__new__(cls, compose(chosen, written))
        made.text, made.values, made.plural, made.number = text, values, plural, count
        return made

    def to_json(self) -> dict[str, Any]:
        """Return what it is composed of, for a row or for another process."""
        values = {
            name: value.to_json() if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        plural = {"plural": self.plural, "count": self.number} if self.plural else {}
        return {"text": self.text, "values": values, **plural}

    @classmethod
    def from_json(cls, made_of: Mapping[str, Any]) -> Self:
        """Return the message again.

        Raises:
            Exception: it is of a release that composed messages in another way.
        """
        values = {
            name: cls.from_json(value) if isinstance(value, Mapping) else value
            for name, value in made_of["values"].items()
        }
        return cls._make(made_of["text"], values, made_of.get("plural", ""), made_of.get("count"))


def _plain(value: Any) -> Any:
    if isinstance(value, Message) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return clean_text(value)


def _in_english(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str.__str__(value)
