"""Notifications in the page: bell, list and messages; on the account's: channels and webhooks."""

import re
from typing import Any

import pytest
import standardwebhooks

from tests.accounts.test_journey import check
from tests.matrix import matrix
from tests.stack import Api, Stack, wait_for

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
    choice = page.get_by_label("By email")
    choice.select_option("failed")
    expect(page.get_by_text("Your choice is saved.")).to_be_visible()
    page.reload()
    expect(choice).to_have_value("failed")
    choice.select_option("never")

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


@pytest.mark.matrix
@pytest.mark.parametrize("page", [{}, matrix(PHONE)], indirect=True, ids=["desktop", "phone"])
def test_owner_is_told_wherever_they_are(signed_in: Any, stack: Stack) -> None:
    from playwright.sync_api import expect

    page = signed_in
    api = page.request
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    headers = {"X-CSRFToken": cookies["csrftoken"], "Origin": stack.url}
    api.post("/api/v1/notifications/read/", data={"all": True}, headers=headers)

    def submit(content: str, name: str) -> str:
        file = {"name": f"{name}.txt", "mimeType": "text/plain", "buffer": content.encode()}
        made = api.post("/api/v1/wordcount/create/", multipart={"file": file}, headers=headers)
        assert made.status == 201, made.text()
        return str(made.json()["id"])

    page.goto("/account")
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
    # The page knows how many are unread before another one comes; whether a stream tells of that
    # one already makes no difference.
    page.goto("about:blank")  # so that no response is an earlier page's
    with page.expect_response(re.compile("/notifications/unread/")):
        page.goto("/account")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    submit("some words", "dunes")
    toast = page.get_by_role("region", name="Notifications").get_by_text("“dunes.txt” is completed")
    expect(toast).to_be_visible()
    bell = page.get_by_role("link", name="1 unread notification", exact=True)
    expect(bell).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\) Your account"))
    bell.click()
    expect(page).to_have_title(re.compile(r"^\(1\) Notifications"))
    row = page.get_by_role("listitem").filter(has_text="“dunes.txt” is completed")
    expect(row.get_by_text("New", exact=True)).to_be_visible()
    check(page)
    row.get_by_role("button", name=re.compile("Mark as read")).click()
    expect(row.get_by_text("New", exact=True)).to_be_hidden()
    expect(page).to_have_title(re.compile(r"^Notifications"))

    # The page of a request says it itself.
    slow = submit("SLEEP 2", "slow")
    page.goto(f"/requests/{slow}")
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
    assert page.get_by_text("“slow.txt” is completed").count() == 0
    wait_for(lambda: api.get("/api/v1/notifications/?unread=true").json()["count"] == 0)

    page.goto("/notifications?unread=true")
    expect(page.get_by_role("heading", name="Nothing unread")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("region", name="Notification settings")).to_be_in_viewport()
    page.get_by_label("In the app").select_option("never")
    expect(page.get_by_text("Your choice is saved.")).to_be_visible()
    check(page)
    page.get_by_label("In the app").select_option("ended")
    page.get_by_label("In this browser").select_option("ended")  # which a test's browser refuses
    expect(page.get_by_role("alert")).to_contain_text("Allow them in the settings")
    expect(page.get_by_label("In this browser")).to_have_value("never")
    check(page)


@pytest.mark.matrix
def test_owner_is_told_without_a_stream(signed_in: Any, api: Api) -> None:
    """By what the page asks for anyway; what it does not watch within half a minute."""
    from playwright.sync_api import expect

    page = signed_in
    page.route("**/events/**", lambda route: route.abort())
    api.post("notifications/read/", json={"all": True})
    watched = api.create("wordcount", b"SLEEP 2", "watched.txt")
    page.goto(f"/requests/{watched['id']}")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
    other = api.create("wordcount/short", b"two words", "other.txt")
    api.wait("wordcount/short", other["id"])
    # Its end has the page ask for the count, and the list says what else there is.
    toasts = page.get_by_role("region", name="Notifications")
    expect(toasts.get_by_text("“other.txt” is completed")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("link", name="1 unread notification")).to_be_visible()
    assert toasts.get_by_text("“watched.txt”").count() == 0, "its own page says it already"
    page.get_by_role("link", name="1 unread notification").click()
    api.create("wordcount", b"two words", "later.txt")
    expect(toasts.get_by_text("“later.txt” is completed")).to_be_visible(timeout=60_000)
    expect(toasts.get_by_text("“other.txt”")).to_have_count(0)  # which is not told of twice
