from django.apps import AppConfig


class MailConfig(AppConfig):
    """The outbox: every mail is a row first, and leaves through a job."""

    name = "backend_django.mail"
