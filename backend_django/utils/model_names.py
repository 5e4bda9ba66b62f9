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


def model_names(config: AppConfig) -> list[str]:
    """Return the names of an application, as they are in the source."""
    with override("en"):
        return [str(getattr(owner, attribute)) for owner, attribute in _names(config)]


def _names(config: AppConfig) -> Iterator[tuple[Any, str]]:
    models = [] if config.name.partition(".")[0] != PACKAGE else list(config.get_models())
    if models:
        yield config, "verbose_name"
    for model in models:
        yield model._meta, "verbose_name"
        yield model._meta, "verbose_name_plural"
        for field in model._meta.concrete_fields:
            if field._verbose_name is None:  # type: ignore[attr-defined] # nobody has named it
                yield field, "verbose_name"
