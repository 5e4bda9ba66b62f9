"""Nobody learns who has an account: not by status, not by body, not by the work that is done."""

from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.hashers import get_hasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend_django.mail.models import Mail
from backend_django.users.models import User

from .conftest import NEW, Visitor

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("login", {"password": "wrong"}),
        ("registration", {"password1": NEW, "password2": NEW}),
        ("registration/resend-email", {}),
        ("password/reset", {}),
    ],
)
def test_known_and_unknown_addresses_look_the_same(
    visitor: Visitor, ada: User, path: str, form: dict[str, str]
) -> None:
    def ask(email: str) -> Any:
        hasher = type(get_hasher())
        with (
            mock.patch.object(
                hasher, "encode", autospec=True, side_effect=hasher.encode
            ) as hashing,
            CaptureQueriesContext(connection) as queries,
        ):
            answer = Visitor().call(path, email=email, **form)
        mails = Mail.objects.filter(recipient=email).count()
        body = {k: v for k, v in answer.json().items() if k not in {"trace_id", "request_id"}}
        headers = {k: v for k, v in answer.items() if k.lower() != "x-request-id"}
        # What costs time is hashing, by far; a query more or less is a thousandth of it.
        return (answer.status_code, body, headers, hashing.call_count, mails), len(queries)

    known, queries = ask(ada.email)
    unknown, other_queries = ask("nobody@example.org")
    assert known == unknown
    if path in {"password/reset", "registration/resend-email"}:
        assert queries == other_queries, "nothing hides the difference here"


@pytest.mark.parametrize("path", ["registration/resend-email", "password/reset", "registration"])
def test_limit_of_mails_is_that_of_the_address_not_of_the_account(
    visitor: Visitor, ada: User, path: str, settings: Any
) -> None:
    form = {"password1": NEW, "password2": NEW} if path == "registration" else {}
    limits = {"reset_password": "99/m/ip", "confirm_email": "99/m/ip"}
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | limits

    def ask(email: str) -> tuple[list[int], int]:
        codes = [visitor.call(path, email=email, **form).status_code for _ in range(11)]
        return codes, Mail.objects.filter(recipient=email).count()

    known = ask(ada.email)
    assert known == ask("nobody@example.org")
    codes, mails = known
    if path == "registration":
        assert (codes[-1], mails) == (429, 10)
    else:
        assert (set(codes), mails) == ({200}, 3)
