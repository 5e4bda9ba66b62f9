"""Names of tables and columns in the admin, in the language of whoever looks at them."""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy, override

PACKAGE = __name__.partition(".")[0]


def translate_model_names() -> None:
    """Have names translated that Django makes of those of applications, models and fields.

    All of them in one place: each would need a `verbose_name` otherwise, and a migration with it.
    """
    for config in apps.get_app_configs():
        for owner, attribute in _names(config):
            name = str(getattr(owner, attribute))
            setattr(owner, attribute, gettext_lazy(name))  # collected by scripts/messages.py
        for field in _fields(config):
            if field.choices:
                field.choices = [(value, _lazy(name)) for value, name in field.choices]


def model_names(config: AppConfig) -> list[str]:
    """Return the names of an application, as they are in the source."""
    with override("en"):
        names = [str(getattr(owner, attribute)) for owner, attribute in _names(config)]
        choices = [str(name) for field in _fields(config) for _, name in field.choices or []]
    return names + choices


def _names(config: AppConfig) -> Iterator[tuple[Any, str]]:
    models = _models(config)
    if models:
        yield config, "verbose_name"
    for model in models:
        yield model._meta, "verbose_name"
        yield model._meta, "verbose_name_plural"
    for field in _fields(config):
        if field._verbose_name is None:  # nobody has named it
            yield field, "verbose_name"


def _lazy(name: Any) -> Any:
    return gettext_lazy(name) if isinstance(name, str) else name


def _models(config: AppConfig) -> list[Any]:
    return list(config.get_models()) if config.name.partition(".")[0] == PACKAGE else []


def _fields(config: AppConfig) -> Iterator[Any]:
    for model in _models(config):
        yield from (field for field in model._meta.concrete_fields if field.model is model)
