"""The nine faults that dj-rest-auth with allauth has as it comes, one by one.

The sixth is about what is a module, and is tested there.
"""

import pytest
from django.test import Client

from backend_django.users.models import User

from .conftest import NEW, PASSWORD, PostOffice, Visitor, link_in, script


def test_1_registration_needs_no_user_name(visitor: Visitor) -> None:
    assert visitor.register("new@example.org").status_code == 201


def test_2_second_registration_of_an_unconfirmed_address_is_no_error(visitor: Visitor) -> None:
    assert [visitor.register("new@example.org").status_code for _ in range(3)] == [201] * 3
    assert User.objects.count() == 1


def test_3_reset_answers_alike_for_known_and_unknown_addresses(
    visitor: Visitor, ada: User, post_office: PostOffice
) -> None:
    answers = [visitor.call("password/reset", email=e) for e in (ada.email, "no@example.org")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert link_in(post_office()[0]).startswith("/reset/")


def test_4_link_in_the_mail_leads_to_a_page(visitor: Visitor, post_office: PostOffice) -> None:
    visitor.register("new@example.org")
    link = link_in(post_office()[0])
    assert link.startswith("/verify-email/")
    for address in (
        link,
        "/check-mail",
        link.replace("/verify-email/", "/accounts/confirm-email/"),
    ):
        assert visitor.get(address).status_code in {200, 302, 503}  # 503: the page is not built


def test_5_guessing_is_stopped(visitor: Visitor, ada: User) -> None:
    assert [visitor.sign_in("wrong").status_code for _ in range(5)] == [400] * 4 + [429]
    assert visitor.sign_in(PASSWORD).status_code == 429


def test_7_token_ends_with_the_password_and_the_old_password_is_asked_for(
    signed_in: Visitor, another: Visitor
) -> None:
    key = another.sign_in().json()["key"]
    new = {"new_password1": NEW, "new_password2": NEW}
    assert signed_in.call("password/change", **new).status_code == 400
    assert signed_in.call("password/change", old_password=PASSWORD, **new).status_code == 200
    assert script(key).look("user").status_code == 401


@pytest.mark.parametrize("path", ["registration", "login", "password/reset", "password/change"])
def test_8_no_slash_loses_no_body(client: Client, db: None, path: str) -> None:
    answer = client.post(f"/api/v1/auth/{path}", {"email": "x"}, "application/json")
    assert answer.status_code in {400, 401}


def test_9_registration_does_not_tell_who_has_an_account(visitor: Visitor, ada: User) -> None:
    known, unknown = visitor.register(ada.email), visitor.register("new@example.org")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
