"""Notifications, emails and webhooks: how owners learn of ends (docs/decisions/0033)."""

from typing import Any

from backend_django.config.settings.environment import env

TASKS = "backend_django.notifications.tasks"


def configure(settings: dict[str, Any]) -> None:
    """Say how long owners wait to be told, and programs of theirs are called."""
    settings["INSTALLED_APPS"].append("backend_django.notifications")
    # How long notifications are kept, read or not.
    settings["NOTIFICATION_RETENTION_DAYS"] = env.int("NOTIFICATION_RETENTION_DAYS", default=90)
    # Requests that end within this time share one email.
    settings["NOTIFICATION_MAIL_DELAY_SECONDS"] = env.int(
        "NOTIFICATION_MAIL_DELAY_SECONDS", default=60
    )

    # Webhooks that one user may have; 0 allows no new ones.
    settings["WEBHOOKS_PER_USER"] = env.int("WEBHOOKS_PER_USER", default=10)
    # A receiver that takes longer to respond has failed. At most 60.
    settings["WEBHOOK_TIMEOUT_SECONDS"] = min(60, env.int("WEBHOOK_TIMEOUT_SECONDS", default=10))
    # The pause before the second attempt; each is four times as long as the one before, up to six
    # hours.
    settings["WEBHOOK_RETRY_SECONDS"] = env.int("WEBHOOK_RETRY_SECONDS", default=30)
    # After this time, a delivery that doesn't succeed is given up.
    settings["WEBHOOK_GIVE_UP_HOURS"] = env.int("WEBHOOK_GIVE_UP_HOURS", default=72)
    # After this time without a successful delivery, a webhook is disabled and its owner notified.
    settings["WEBHOOK_DISABLE_DAYS"] = env.int("WEBHOOK_DISABLE_DAYS", default=5)
    # How long the log keeps deliveries.
    settings["WEBHOOK_RETENTION_DAYS"] = env.int("WEBHOOK_RETENTION_DAYS", default=14)

    settings["CELERY_BEAT_SCHEDULE"] |= {
        "notifications-send-due": {
            "task": f"{TASKS}.maintenance_send_due",
            "schedule": settings["PROCESSING_REAPER_SECONDS"],
            "options": {"queue": "default"},  # as mail
        },
        "notifications-tidy": {
            "task": f"{TASKS}.maintenance_tidy_deliveries",
            "schedule": 3600,
            "options": {"queue": "maintenance"},
        },
    }
    settings["ACCOUNT_RATE_LIMITS"]["webhook_test"] = "20/m/user"
    settings["SPECTACULAR_SETTINGS"]["ENUM_NAME_OVERRIDES"] |= {
        "NotificationKind": "backend_django.notifications.models.Notification.Kind",
        "NotificationWhen": "backend_django.notifications.models.NotificationPreference.When",
    }


def configure_test(settings: dict[str, Any]) -> None:
    settings["CELERY_BEAT_SCHEDULE"]["notifications-send-due"]["schedule"] = 1
    settings["NOTIFICATION_MAIL_DELAY_SECONDS"] = 1
    settings["WEBHOOK_RETRY_SECONDS"] = 1
