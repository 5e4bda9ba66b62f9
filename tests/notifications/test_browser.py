"""Notifications on the account's page: choose mail, create a webhook, test it, read its log."""

import re
from typing import Any

import pytest
import standardwebhooks

from tests.accounts.test_journey import check
from tests.matrix import matrix
from tests.stack import Stack, wait_for

from .conftest import Receiver

pytestmark = pytest.mark.slow
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.mark.parametrize("page", [{}, matrix(PHONE)], indirect=True, ids=["desktop", "phone"])
def test_owner_is_told_by_mail_and_webhook(
    signed_in: Any, stack: Stack, receiver: Receiver
) -> None:
    from playwright.sync_api import expect

    page = signed_in
    page.goto("/account")
    choice = page.get_by_label("When a request fails", exact=True)
    choice.check()
    expect(page.get_by_text("Your choice is saved.")).to_be_visible()
    page.reload()
    expect(choice).to_be_checked()
    page.get_by_label("Never", exact=True).check()

    hooks = page.get_by_role("region", name="Webhooks")
    hooks.get_by_label("URL to call").fill("http://example.org/hook")
    hooks.get_by_role("button", name="Create a webhook").click()
    expect(hooks.get_by_text("Enter a URL that begins with https://.")).to_be_visible()
    hooks.get_by_label("URL to call").fill(receiver.url("500"))
    hooks.get_by_role("button", name="Create a webhook").click()
    secret = hooks.get_by_label("The secret").inner_text()
    check(page)
    hooks.get_by_role("button", name="Done").click()

    hooks.get_by_role("button", name="Send test").click()
    log = hooks.get_by_role("region", name=re.compile("Deliveries to"))
    expect(log.get_by_text("The receiver responded 500.")).to_be_visible()
    receiver.behaviour = "200"
    log.get_by_role("button", name="Send again: webhook.test").click()
    expect(log.get_by_text("Delivered")).to_be_visible()
    log.get_by_text("Message and response").click()
    check(page)
    wait_for(lambda: len(receiver.calls) == 2)
    standardwebhooks.Webhook(secret).verify(receiver.calls[1].body, receiver.calls[1].headers)

    hooks.get_by_role("button", name="Disable").click()
    expect(hooks.get_by_text("You disabled it.")).to_be_visible()
    check(page)
    hooks.get_by_role("button", name="Delete …").click()
    check(page)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(hooks.get_by_text("No webhooks yet.")).to_be_visible()
    assert page.request.get("/api/v1/notifications/webhooks/").json()["count"] == 0
