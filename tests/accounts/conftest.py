"""People with accounts, and their mailboxes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client

from backend_django.mail.models import Mail
from backend_django.mail.services import mail_send
from backend_django.users.models import User

from .google import site  # noqa: F401 (a fixture)

PASSWORD = "correct horse battery staple"
NEW = "a quite different set of words"
PostOffice = Callable[[], list[EmailMessage]]


@pytest.fixture
def ada(user: User) -> User:
    """Somebody whose address is confirmed."""
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


class Visitor(Client):
    """A browser that speaks JSON to /api/v1/auth/."""

    def call(self, path: str, **data: Any) -> Any:
        return self.post(f"/api/v1/auth/{path}/", data, "application/json")

    def look(self, path: str) -> Any:
        return self.get(f"/api/v1/auth/{path}/")

    def sign_in(self, password: str = PASSWORD, email: str = "ada@example.org", **data: Any) -> Any:
        return self.call("login", email=email, password=password, **data)

    def register(self, email: str, password: str = PASSWORD) -> Any:
        return self.call("registration", email=email, password1=password, password2=password)

    @property
    def is_signed_in(self) -> bool:
        return self.look("session").json()["user"] is not None


@pytest.fixture
def visitor(db: None) -> Visitor:
    return Visitor()


@pytest.fixture
def another(db: None) -> Visitor:
    """Somebody else's browser."""
    return Visitor()


@pytest.fixture
def signed_in(visitor: Visitor, ada: User) -> Visitor:
    assert visitor.sign_in().status_code == 200
    return visitor


def own_again() -> None:
    """Ada chooses another password."""
    user = User.objects.get(email="ada@example.org")
    user.set_password(NEW)
    user.save(update_fields=["password"])


def script(key: str) -> Visitor:
    return Visitor(headers={"authorization": f"Token {key}"})


@pytest.fixture
def post_office(mailoutbox: list[EmailMessage]) -> PostOffice:
    """Do what the job does with every mail that waits; return the new ones."""

    def deliver() -> list[EmailMessage]:
        before = len(mailoutbox)
        for mail_id in Mail.objects.filter(finished_at=None).values_list("id", flat=True):
            mail_send(mail_id=mail_id)
        return mailoutbox[before:]

    return deliver


def link_in(message: EmailMessage) -> str:
    """The path the mail leads to."""
    found = re.search(r"http://testserver(/\S+)", str(message.body))
    assert found, message.body
    return found[1]
