"""Owners get mail about the end of requests when they want it, and one mail for many."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.utils import timezone

from backend_django.mail.models import Mail
from backend_django.mail.services import mail_send
from backend_django.notifications.services import preference_of, preference_set
from backend_django.processing.services import request_delete, request_retry
from backend_django.users.models import User

from .conftest import end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def send_all() -> None:
    Mail.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    for mail in Mail.objects.all():
        mail_send(mail_id=mail.id)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [("never", []), ("failed", ["failed"]), ("ended", ["completed", "failed"])],
)
def test_mail_comes_when_it_is_wanted(
    user: User, mailoutbox: list[EmailMessage], wanted: str, told: list[str]
) -> None:
    """Nobody is told of what they cancelled."""
    assert preference_of(user).mail == "never", "who chose nothing gets no mail"
    preference_set(user=user, mail=wanted)
    ended = [end(user, status) for status in ("completed", "failed", "cancelled")]
    items = [str(request.id) for request in ended if request.status in told]
    assert [mail.content["items"] for mail in Mail.objects.all()] == ([items] if items else [])
    send_all()
    assert len(mailoutbox) == bool(told)


def test_one_mail_says_what_happened_and_where_to_look(
    user: User, mailoutbox: list[EmailMessage], settings: Any
) -> None:
    settings.SITE_URL = "https://www.example.org"
    preference_set(user=user, mail="failed")
    request = end(user, "failed", name="dunes\nof <b>May</b>")
    send_all()
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([user.email], "“dunes of <b>May</b>” failed")
    assert "Word count “dunes of <b>May</b>” failed: This is not text." in str(mail.body)
    assert f"https://www.example.org/requests/{request.id}" in str(mail.body)
    assert "https://www.example.org/account" in str(mail.body)
    assert "<b>" not in str(mail.alternatives[0][0])  # type: ignore[attr-defined]


def test_owner_who_reads_german_is_told_in_german(
    user: User, visitor: Client, mailoutbox: list[EmailMessage]
) -> None:
    """A worker writes it, who speaks no German."""
    preference_set(user=user, mail="failed")
    User.objects.update(language="de")
    end(user, "failed")
    text = visitor.get("/api/v1/notifications/").json()["results"][0]["text"]
    assert text.startswith("Word count „dunes“ ist fehlgeschlagen: ")
    send_all()
    assert mailoutbox[0].subject == "„dunes“ ist fehlgeschlagen"


def test_requests_that_end_together_are_in_one_mail(
    user: User, mailoutbox: list[EmailMessage]
) -> None:
    preference_set(user=user, mail="ended")
    for number in range(25):
        end(user, "failed" if number % 5 == 0 else "completed", name=f"request {number}")
    assert Mail.objects.count() == 1
    send_all()
    [mail] = mailoutbox
    assert mail.subject == "25 requests have ended, 5 failed"
    assert "And 5 more." in str(mail.body)
    end(user)
    send_all()
    assert len(mailoutbox) == 2


def test_requests_that_end_at_the_same_time_are_all_told_of(
    user: User, mailoutbox: list[EmailMessage]
) -> None:
    preference_set(user=user, mail="ended")

    def run(_: int) -> str:
        try:
            return str(end(user).id)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(run, range(12)))
    told = [item for mail in Mail.objects.all() for item in mail.content["items"]]
    assert sorted(told) == sorted(ids)


def test_what_is_no_longer_so_is_not_told(user: User, mailoutbox: list[EmailMessage]) -> None:
    preference_set(user=user, mail="failed")
    deleted, again = end(user, "failed"), end(user, "failed")
    request_delete(request=deleted)
    request_retry(request=again)
    send_all()
    assert mailoutbox == []
    assert Mail.objects.get().outcome == "dropped"
