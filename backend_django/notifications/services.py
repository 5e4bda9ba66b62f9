"""A user's choices: notifications and where they go, webhooks and their URLs."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backend_django.audit.services import event_record
from backend_django.mail.services import mail_queue
from backend_django.users.models import User
from backend_django.utils.encryption import encrypt
from backend_django.utils.errors import Conflict, Invalid
from backend_django.utils.http_client import is_public
from backend_django.utils.messages import Message
from backend_django.utils.signatures import new_secret

from .models import NotificationPreference, Webhook, WebhookDelivery

PURPOSE = "webhooks"  # of the encryption
OLD_SECRET = timedelta(hours=24)
Reason = Webhook.DisabledReason


def preference_of(user: User) -> NotificationPreference:
    """Return what a user wants, by default or by choice."""
    found = NotificationPreference.objects.filter(user=user).first()
    return found or NotificationPreference(user=user)


def preference_set(*, user: User, **choices: str) -> NotificationPreference:
    """Choose when something is told in the app (`page`), by the browser, and by mail."""
    return NotificationPreference.objects.update_or_create(user=user, defaults=choices)[0]


def webhooks_of(user: User) -> QuerySet[Webhook]:
    """Return the webhooks that a user may see: their own."""
    return Webhook.objects.filter(owner=user)


def deliveries_of(user: User) -> QuerySet[WebhookDelivery]:
    """Return the deliveries to them."""
    return WebhookDelivery.objects.filter(webhook__owner=user).select_related("webhook")


def _check_url(url: str) -> None:
    """Refuse early what would be refused at each delivery; the name is resolved only then.

    Raises:
        Invalid: it is not the URL of a receiver.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host:
        raise Invalid(
            fields={"url": Message("Enter a valid URL, such as https://example.org/hook.")}
        )
    allowed = {name.lower() for name in settings.HTTP_CLIENT_INTERNAL_HOSTS}
    is_internal = bool(allowed & {host, f"{host}:{port}"})
    if parts.scheme != "https" and not (is_internal and parts.scheme == "http"):
        raise Invalid(fields={"url": Message("Enter a URL that begins with https://.")})
    if parts.username is not None or parts.password is not None:
        raise Invalid(fields={"url": Message("Leave out the user name and the password.")})
    if not is_internal and not _may_be_public(host):
        raise Invalid(
            fields={"url": Message("This is not a public address, so it can't be called.")}
        )


def _may_be_public(host: str) -> bool:
    try:
        return is_public(str(ip_address(host)))
    except ValueError:
        return host != "localhost"


def _target(webhook: Webhook) -> str:
    """Name a webhook in the audit trail: without path and query, which may be a secret."""
    return f"webhook {webhook.id} to {urlsplit(webhook.url).hostname}"


@transaction.atomic
def webhook_create(*, owner: User, url: str, events: list[str]) -> tuple[Webhook, str]:
    """Have a URL called from now on.

    Returns:
        The webhook, and its secret, which is not shown again.

    Raises:
        Invalid: the URL can't be called.
        Conflict: there are too many already.
    """
    _check_url(url)
    User.objects.select_for_update().get(
        pk=owner.pk
    )  # one after the other, so that the limit holds
    limit = settings.WEBHOOKS_PER_USER  # type: ignore[misc]
    if not limit:
        raise Conflict("Webhooks are turned off on this server.")
    if Webhook.objects.filter(owner=owner).count() >= limit:
        raise Conflict(
            Message("You have %(limit)s webhooks. Delete one that you no longer need.", limit=limit)
        )
    secret = new_secret()
    webhook = Webhook.objects.create(
        owner=owner, url=url, events=events, secret=encrypt(secret, purpose=PURPOSE)
    )
    event_record(event="webhook_created", target=_target(webhook))
    return webhook, secret


@transaction.atomic
def webhook_update(*, webhook: Webhook, **changes: Any) -> None:
    """Change the URL, the events, or whether it is enabled.

    Raises:
        Invalid: the URL can't be called.
    """
    if "url" in changes:
        _check_url(changes["url"])
    if changes.get("is_enabled") is False:
        webhook_disable(webhook=webhook, reason=Reason.OWNER)
    elif changes.get("is_enabled") or "url" in changes:
        changes |= {"failing_since": None, "away_until": None, "times_away": 0}
    if changes.get("is_enabled"):
        changes["disabled_reason"] = ""
    if changes:
        Webhook.objects.filter(id=webhook.id).update(**changes)
    event_record(
        event="webhook_updated", target=_target(webhook), detail=", ".join(sorted(changes))
    )
    webhook.refresh_from_db()


@transaction.atomic
def webhook_disable(*, webhook: Webhook, reason: str) -> None:
    """Call it no more; what waits for it is dropped, and its owner is told unless they did it."""
    if not Webhook.objects.filter(id=webhook.id, is_enabled=True).update(
        is_enabled=False, disabled_reason=reason
    ):
        return
    WebhookDelivery.objects.filter(webhook=webhook, finished_at__isnull=True).update(
        finished_at=timezone.now(), outcome="dropped", error=Message("The webhook was disabled.")
    )
    event_record(event="webhook_disabled", target=_target(webhook), detail=reason)
    if reason != Reason.OWNER:
        mail_queue(
            kind="webhook_disabled",
            recipient=webhook.owner.email,
            content={"url": webhook.url, "reason": str(reason)},
        )


@transaction.atomic
def webhook_renew_secret(*, webhook: Webhook) -> str:
    """Replace the secret. For a day, messages are signed with the old one as well.

    Returns:
        The new one, which is not shown again.
    """
    secret = new_secret()
    Webhook.objects.filter(id=webhook.id).update(
        secret=encrypt(secret, purpose=PURPOSE),
        previous_secret=webhook.secret,
        previous_secret_until=timezone.now() + OLD_SECRET,
    )
    event_record(event="webhook_secret_renewed", target=_target(webhook))
    return secret


def webhook_delete(*, webhook: Webhook) -> None:
    """Remove a webhook, with the log of its deliveries."""
    Webhook.objects.filter(id=webhook.id).delete()
    event_record(event="webhook_deleted", target=_target(webhook))
