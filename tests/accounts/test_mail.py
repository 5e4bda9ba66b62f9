"""Mails leave through the outbox: nothing is lost, and nobody waits for a mail server."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.db import transaction
from django.utils import timezone

from backend_django.config.settings.concerns import mail as base
from backend_django.mail.emails import Email
from backend_django.mail.models import Mail
from backend_django.mail.services import mail_queue, mail_send
from backend_django.mail.tasks import maintenance_send_due, maintenance_tidy_mail
from backend_django.utils.outbox import send_due
from scripts.processes import free_port
from tests.mail_server import MailServer, link_in
from tests.stack import Stack, wait_for

from .conftest import PASSWORD, PostOffice, Visitor


@pytest.fixture
def outbox(db: None, settings: Any) -> None:
    """What EMAIL_BACKEND is outside of tests: Django's test runner puts its own there."""
    settings.EMAIL_BACKEND = base.EMAIL_BACKEND


def test_mail_of_anything_in_django_goes_through_the_outbox(outbox: None, mailoutbox: list) -> None:
    message = EmailMultiAlternatives(
        "Hello", "text", to=["a@example.org", "b@example.org"], cc=["c@example.org"],
        bcc=["d@example.org"],
    )  # fmt: skip
    message.attach_alternative("<p>text</p>", "text/html")
    message.send()
    assert mailoutbox == []
    for mail in Mail.objects.order_by("id"):
        mail_send(mail_id=mail.id)
    assert [sent.recipients() for sent in mailoutbox] == [[f"{x}@example.org"] for x in "abcd"]
    for sent in mailoutbox:
        assert (sent.subject, sent.body) == ("Hello", "text")
        assert sent.alternatives[0][0] == "<p>text</p>"
        assert sent.message()["To"] == "a@example.org, b@example.org"
        assert sent.message()["Cc"] == "c@example.org"
        assert sent.message()["Bcc"] is None


def test_server_that_looks_into_a_mail_first_gets_it_once(outbox: None, settings: Any) -> None:
    """The answer to the text of a mail was waited for no longer than for a connection."""
    settings.MAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_TIMEOUT = 1
    server = MailServer(settings.EMAIL_PORT, looks_for=2)
    server.start()
    try:
        send_mail("Hello", "text", None, ["a@example.org"])
        mail = Mail.objects.get()
        mail_send(mail_id=mail.id)
        assert Mail.objects.get().outcome == "sent"
        again = {"finished_at": None, "outcome": "", "next_attempt_at": timezone.now()}
        Mail.objects.update(content=mail.content, **again)
        mail_send(mail_id=mail.id)
        first, second = server.mails
        assert first["Message-ID"] == second["Message-ID"]
    finally:
        server.stop()


def test_name_with_a_line_break_is_no_header_of_its_own(db: None, mailoutbox: list) -> None:
    message = Email(subject="Join A\nBcc: x@example.org", paragraphs=[]).to("a@example.org")
    assert message.message()["Subject"] == "Join A Bcc: x@example.org"


def test_attachment_is_refused_with_what_to_do(outbox: None) -> None:
    message = EmailMessage("x", "x", to=["a@example.org"])
    message.attach("a.txt", "a")
    with pytest.raises(ValueError, match="register an email"):
        message.send()


def test_undone_transaction_sends_nothing(db: None) -> None:
    with transaction.atomic():
        mail_queue(kind="account_reset", recipient="a@example.org", content={})
        transaction.set_rollback(True)
    assert not Mail.objects.exists()


def test_sent_mail_keeps_no_link_and_goes_after_its_retention(
    visitor: Visitor, post_office: PostOffice
) -> None:
    visitor.register("new@example.org")
    link = re.escape(str(post_office()[0].body).split("/verify-email/")[1].split()[0])
    mail = Mail.objects.get()
    assert (mail.outcome, mail.content, mail.attempts) == ("sent", {}, 1)
    assert not re.search(link, str(Mail.objects.values()))
    maintenance_tidy_mail()
    assert Mail.objects.count() == 1
    Mail.objects.update(finished_at=timezone.now() - timedelta(days=15))
    maintenance_tidy_mail()
    assert not Mail.objects.exists()


def test_mail_that_is_sent_or_taken_is_not_sent_again(visitor: Visitor, mailoutbox: list) -> None:
    visitor.register("new@example.org")
    mail_id = Mail.objects.get().id
    Mail.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=1))  # taken
    mail_send(mail_id=mail_id)
    assert mailoutbox == []
    Mail.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=1))  # its worker died
    for _ in range(3):
        mail_send(mail_id=mail_id)
    assert len(mailoutbox) == 1


def test_mail_nobody_was_told_of_is_sent_by_the_next_round(outbox: None, mailoutbox: list) -> None:
    send_mail("Hello", "text", None, ["a@example.org"])
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.delete("default")
    maintenance_send_due()
    assert mailoutbox == [], "a worker is on its way"
    Mail.objects.update(created_at=timezone.now() - timedelta(seconds=11))
    for _ in range(3):
        maintenance_send_due()
    assert (len(mailoutbox), broker.llen("default")) == (1, 0)


def test_pauses_grow_and_end(visitor: Visitor, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.MAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAIL_RETRY_SECONDS = 30
    visitor.register("new@example.org")
    pauses = []
    for _ in range(9):
        Mail.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
        mail_send(mail_id=Mail.objects.get().id)
        pauses.append(round((Mail.objects.get().next_attempt_at - timezone.now()).total_seconds()))
    assert pauses == pytest.approx([30, 60, 120, 240, 480, 960, 1920, 3600, 3600], abs=2)
    assert "refused" in Mail.objects.get().error
    Mail.objects.update(attempts=60, next_attempt_at=timezone.now() - timedelta(seconds=1))
    mail_send(mail_id=Mail.objects.get().id)
    left = Mail.objects.get().next_attempt_at - timezone.now()
    assert left.total_seconds() == pytest.approx(3600, abs=2)
    Mail.objects.update(
        next_attempt_at=timezone.now() - timedelta(seconds=1),
        created_at=timezone.now() - timedelta(hours=73),
    )
    mail_send(mail_id=Mail.objects.get().id)
    assert (Mail.objects.get().outcome, Mail.objects.get().content) == ("failed", {})


def test_what_fails_for_one_mail_ends_no_round(outbox: None) -> None:
    for number in range(3):
        send_mail("Hello", "text", None, [f"{number}@example.org"])
    Mail.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    asked = []

    def send(mail_id: int) -> None:
        asked.append(mail_id)
        if len(asked) == 1:
            raise OverflowError

    send_due(Mail.objects.all(), send)
    assert len(asked) == 3


@pytest.mark.slow
def test_mail_server_that_was_down_gets_every_mail(stack: Stack, mail_server: MailServer) -> None:
    mail_server.stop()
    addresses = [f"late{i}@example.org" for i in range(3)]
    with httpx.Client(base_url=f"{stack.url}/api/v1/auth/") as page:
        form = {"password1": PASSWORD, "password2": PASSWORD}
        for address in addresses:
            answer = page.post("registration/", json={"email": address, **form})
            assert answer.status_code == 201
        answers = [
            page.post("password/reset/", json={"email": email})
            for email in (addresses[0], "nobody@example.org")
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == answers[1].content
        wait_for(
            lambda: stack.log("worker").read_text().count("is tried again") >= 4,
            what="the worker has tried in vain",
        )
        mail_server.start()
        mail_server.wait(addresses[0], number=2)  # the other leads to a new password
        for address in addresses:
            mail_server.wait(address)
            links = [link_in(mail) for mail in mail_server.to(address)]
            [key] = [link[14:] for link in links if link.startswith("/verify-email/")]
            assert page.post("registration/verify-email/", json={"key": key}).status_code == 200
        signed_in = page.post("login/", json={"email": addresses[0], "password": PASSWORD})
        assert signed_in.status_code == 200
    assert mail_server.to("nobody@example.org") == []


@pytest.mark.matrix
@pytest.mark.slow
def test_without_redis_people_sign_in_are_counted_and_get_their_mails(
    stack: Stack, mail_server: MailServer
) -> None:
    port, nowhere = free_port(), f"redis://127.0.0.1:{free_port()}/0"
    stack.start_process(
        "web without redis", stack.commands["web"],
        PORT=str(port), REDIS_URL=nowhere, CELERY_BROKER_URL=nowhere,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(ready, what="web without Redis is ready")
        with httpx.Client(base_url=f"{url}/api/v1/auth/", timeout=30) as page:
            email = "unlucky@example.org"
            form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
            assert page.post("registration/", json=form).status_code == 201
            key = link_in(mail_server.wait(email)).removeprefix("/verify-email/")
            assert page.post("registration/verify-email/", json={"key": key}).status_code == 200
            right, wrong = ({"email": email, "password": p} for p in (PASSWORD, "wrong"))
            assert page.post("login/", json=right).status_code == 200
            codes = [page.post("login/", json=wrong).status_code for _ in range(5)]
            assert codes == [400, 400, 400, 400, 429]
    finally:
        stack.stop("web without redis")


@pytest.mark.slow
def test_address_the_mail_server_does_not_know_is_given_up(
    stack: Stack, mail_server: MailServer
) -> None:
    mail_server.refused.add("gone@example.org")
    form = {"email": "gone@example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = httpx.post(f"{stack.url}/api/v1/auth/registration/", json=form)
    assert answer.status_code == 201
    wait_for(lambda: "is given up: SMTPRecipientsRefused" in stack.log("worker").read_text())


@pytest.mark.slow
def test_forty_registrations_of_ten_addresses_at_once_make_ten_accounts(
    stack: Stack, mail_server: MailServer
) -> None:
    def register(number: int) -> int:
        email = f"crowd{number % 10}@example.org"
        form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
        # A machine each: registrations are counted by address, and other tests use 127.0.0.1.
        machine = httpx.HTTPTransport(local_address=f"127.0.1.{number + 1}")
        with httpx.Client(transport=machine, timeout=60) as client:
            url = f"{stack.url}/api/v1/auth/registration/"
            return client.post(url, json=form).status_code

    with ThreadPoolExecutor(40) as crowd:
        codes = list(crowd.map(register, range(40)))
    assert codes == [201] * 40
    count = (
        "from backend_django.users.models import User;"
        "print(User.objects.filter(email__startswith='crowd').count())"
    )
    assert stack.manage("shell", "--no-imports", "-c", count).strip() == "10"
    for number in range(10):
        mail_server.wait(f"crowd{number}@example.org", number=4)
