"""What tests of the whole product need to know of this module."""

from typing import Any

from django.utils import timezone

from backend_django.notifications.deliveries import delivery_test
from backend_django.notifications.models import Webhook, WebhookDelivery

ADDRESSES = {  # by who may call them, in the words of tests/security/addresses.py
    "own": r"/notifications/((unread|read|preferences|webhooks)/)?",
    "object": r"/notifications/(webhooks|deliveries)/\{id\}/.*",
}
MAY_REFUSE_GOOD_FORM = "/notifications/read/"
TAKES_URLS = "/notifications/webhooks/"
ROOM = "notifications"
SIGNED_IN_PAGE = "/notifications"
# Tables of a person alone, which nobody else is let into, and the view that takes them from there.
PERSONAL = "notifications/services.py"
TAKES_A_PERSON = "notifications/api/views.py: self.user"


def _delivery(owner: Any) -> WebhookDelivery:
    delivery = delivery_test(webhook=_webhook(owner))
    WebhookDelivery.objects.update(finished_at=timezone.now(), outcome="sent")
    return delivery


def _webhook(owner: Any) -> Webhook:
    return Webhook.objects.create(owner=owner, url="https://example.org/", events=[])


THINGS = {  # by a part of the addresses that name one
    "/notifications/deliveries/": _delivery,
    "/notifications/webhooks/": _webhook,
}
