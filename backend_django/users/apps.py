from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Accounts: an email address and a password."""

    name = "backend_django.users"

    def ready(self) -> None:
        from . import mails, sessions  # noqa: F401 (they register emails and receivers)
