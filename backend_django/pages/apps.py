from django.apps import AppConfig


class PagesConfig(AppConfig):
    """The one page: the built Vue application."""

    name = "backend_django.pages"
