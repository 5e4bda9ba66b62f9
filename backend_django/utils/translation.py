"""Messages in the language of whoever reads them."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from .messages import Message, compose
from .text import clean_text


def translate(message: str) -> str:
    """Return a message in the active language; as it is when nobody has translated it."""
    if not message:
        return ""
    if not isinstance(message, Message):
        return gettext(message)
    if message.plural:
        text = ngettext(message.text, message.plural, message.number or 0)
    else:
        text = gettext(message.text)
    return compose(text, {name: _write_value(value) for name, value in message.values.items()})


def translate_stored(stored: str, made_of: Mapping[str, Any] | str | None) -> str:
    """Return a stored message in the active language (`read_message`)."""
    return translate(read_message(stored, made_of))


def read_message(stored: str, made_of: Mapping[str, Any] | str | None) -> Message:
    """Return a stored message as it was composed.

    Args:
        made_of: what it was composed of, as stored beside it, or its JSON. What a former release
            left there of another message is no matter.
    """
    if made_of:
        try:
            parts = json.loads(made_of) if isinstance(made_of, str) else made_of
            message = Message.from_json(parts)
        except (AttributeError, KeyError, TypeError, ValueError):  # of another release
            return Message(stored)
        if clean_text(message) == stored:
            return message
    return Message(stored)


def number(value: float) -> str:
    """Return a number as the active language writes it."""
    return number_format(value, force_grouping=True)


def _write_value(value: Any) -> str:
    if isinstance(value, Message):
        return translate(value)
    if isinstance(value, int | float):
        return number(value)
    return str(value)
