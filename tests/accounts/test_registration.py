"""Making an account, and proving that the address is one's own."""

import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client

from backend_django.mail.models import Mail
from backend_django.users.models import Registration, User
from backend_django.users.services import address_confirm

from .conftest import NEW, PASSWORD, PostOffice, Visitor, link_in


def key_in(message: EmailMessage) -> str:
    return link_in(message).removeprefix("/verify-email/")


def test_register_confirm_sign_in(visitor: Visitor, post_office: PostOffice) -> None:
    answer = visitor.register("New@Example.org")
    assert (answer.status_code, visitor.is_signed_in) == (201, False)
    refused = visitor.sign_in(email="new@example.org")
    assert (refused.status_code, refused.json()["code"]) == (400, "email_not_verified")
    (mail,) = post_office()
    assert mail.to == ["new@example.org"]
    assert visitor.call("registration/verify-email", key=key_in(mail)).status_code == 200
    assert visitor.sign_in(email="new@example.org").status_code == 200


def test_page_address_in_the_mail_is_answered_with_the_page(
    visitor: Visitor, post_office: PostOffice
) -> None:
    visitor.register("new@example.org")
    assert visitor.get(link_in(post_office()[0])).status_code in {200, 503}  # 503: not built


def test_link_works_once_and_not_for_ever(
    visitor: Visitor, post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.register("new@example.org")
    key = key_in(post_office()[0])
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + 4 * 86400)
        answer = visitor.call("registration/verify-email", key=key)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "dead_link")
    assert visitor.call("registration/verify-email", key=key).status_code == 200
    assert visitor.call("registration/verify-email", key=key).status_code == 400
    assert visitor.call("registration/verify-email", key="x:y:z").status_code == 400


def test_link_comes_again_on_request(visitor: Visitor, post_office: PostOffice) -> None:
    visitor.register("new@example.org")
    post_office()
    assert visitor.call("registration/resend-email", email="new@example.org").status_code == 200
    (mail,) = post_office()
    assert visitor.call("registration/verify-email", key=key_in(mail)).status_code == 200
    visitor.call("registration/resend-email", email="new@example.org")
    assert post_office() == [], "a confirmed address gets no further link"


def test_owner_of_an_address_wins_over_who_registered_it_before(
    visitor: Visitor, another: Visitor, post_office: PostOffice
) -> None:
    another.register("new@example.org", NEW)
    post_office()
    visitor.register("new@example.org", PASSWORD)
    (mail,) = post_office()
    visitor.call("registration/verify-email", key=key_in(mail))
    assert another.sign_in(NEW, "new@example.org").status_code == 400
    assert visitor.sign_in(PASSWORD, "new@example.org").status_code == 200


@pytest.mark.parametrize("followed", [0, 1, 2])
def test_link_confirms_the_registration_it_was_sent_for_and_voids_the_others(
    visitor: Visitor, post_office: PostOffice, followed: int
) -> None:
    keys = []
    for number in range(3):
        visitor.call(
            "registration",
            email="new@example.org",
            name=f"name {number}",
            password1=f"{PASSWORD} {number}",
            password2=f"{PASSWORD} {number}",
        )
        (mail,) = post_office()
        assert ("more than once" in mail.body) == (number > 0)
        keys.append(key_in(mail))
    assert len(set(keys)) == 3
    answers = [visitor.call("registration/verify-email", key=keys[followed]).status_code]
    answers += [visitor.call("registration/verify-email", key=key).status_code for key in keys]
    assert answers == [200, 400, 400, 400]
    signed_in = [
        Visitor().sign_in(f"{PASSWORD} {number}", "new@example.org").status_code == 200
        for number in range(3)
    ]
    assert signed_in == [number == followed for number in range(3)]
    assert User.objects.get(email="new@example.org").name == f"name {followed}"


def test_stranger_cannot_have_the_owner_confirm_his_password(
    visitor: Visitor, another: Visitor, post_office: PostOffice
) -> None:
    """Not by a registration before or after, and not by asking for the link again."""
    another.register("new@example.org", NEW)
    visitor.register("new@example.org", PASSWORD)
    post_office()
    another.call("registration/resend-email", email="new@example.org")
    (mail,) = post_office()
    _, _, uid, token = link_in(mail).split("/")
    chosen = "words that only the reader chose"
    answer = visitor.call(
        "password/reset/confirm", uid=uid, token=token, new_password1=chosen, new_password2=chosen
    )
    assert answer.status_code == 200
    assert another.sign_in(NEW, "new@example.org").status_code == 400
    assert visitor.sign_in(chosen, "new@example.org").status_code == 200
    assert not Registration.objects.exists(), "the proof of the address voids the links"


def test_without_verification_nobody_registers_over_an_account(
    visitor: Visitor, another: Visitor, settings: Any, post_office: PostOffice
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    visitor.register("new@example.org", PASSWORD)
    another.register("new@example.org", NEW)
    assert another.sign_in(NEW, "new@example.org").status_code == 400
    assert visitor.sign_in(PASSWORD, "new@example.org").status_code == 200
    for mail in post_office():
        visitor.call("registration/verify-email", key=key_in(mail))
    assert Visitor().sign_in(PASSWORD, "new@example.org").status_code == 200


def test_old_link_does_not_bring_an_old_password_back(
    visitor: Visitor, settings: Any, post_office: PostOffice
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    visitor.register("new@example.org", PASSWORD)
    (mail,) = post_office()
    visitor.sign_in(PASSWORD, "new@example.org")
    visitor.call("password/change", old_password=PASSWORD, new_password1=NEW, new_password2=NEW)
    assert visitor.call("registration/verify-email", key=key_in(mail)).status_code == 400
    assert Visitor().sign_in(NEW, "new@example.org").status_code == 200


def test_registration_changes_nothing_about_an_account_in_use(
    visitor: Visitor, ada: User, post_office: PostOffice
) -> None:
    assert visitor.register(ada.email, NEW).status_code == 201
    (mail,) = post_office()
    assert mail.subject == "You already have an account"
    assert visitor.sign_in(NEW).status_code == 400
    assert visitor.sign_in(PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"password1": "password", "password2": "password"}, "password1"),
        ({"password1": PASSWORD, "password2": NEW}, "password2"),
        ({"password1": "new@example", "password2": "new@example"}, "password1"),
        ({"password1": "Summer2026", "password2": "Summer2026"}, "password1"),
        ({"email": "no address"}, "email"),
        ({"email": "ne\u212a@example.org"}, "email"),
        ({"email": "new@example.org\0"}, "email"),
    ],
)
def test_bad_input_is_refused_at_its_field(visitor: Visitor, form: dict, field: str) -> None:
    usual = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = visitor.call("registration", **(usual | form))
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {field}
    assert not User.objects.exists()
    assert not Mail.objects.exists()


def test_registration_can_be_closed(visitor: Visitor, settings: Any) -> None:
    settings.ACCOUNT_ALLOW_REGISTRATION = False
    answer = visitor.register("new@example.org")
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    assert visitor.look("session").json()["registration_open"] is False


def test_without_verification_the_account_works_at_once(visitor: Visitor, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    visitor.register("new@example.org")
    assert visitor.sign_in(email="new@example.org").status_code == 200


def test_accounts_nobody_confirmed_are_removed(visitor: Visitor, ada: User, settings: Any) -> None:
    from backend_django.users.tasks import maintenance_tidy_accounts

    visitor.register("new@example.org")
    maintenance_tidy_accounts()
    assert User.objects.count() == 2
    User.objects.update(date_joined="2020-01-01T00:00Z")
    maintenance_tidy_accounts()
    assert list(User.objects.all()) == [ada]


def test_pages_of_accounts_lead_to_the_page(client: Client, db: None) -> None:
    for address, page in {
        "login/?next=/x": "/login?next=/x",
        "signup": "/register",
        "password/reset/": "/forgot",
        "password/reset/key/1-abc-def/": "/reset/1/abc-def",
        "confirm-email/a:b:c/": "/verify-email/a:b:c",
    }.items():
        answer = client.get(f"/accounts/{address}")
        assert (answer.status_code, answer["Location"]) == (302, page)
        assert client.post(f"/accounts/{address}").status_code == 405, "no second door"


def test_address_confirmed_by_another_account_is_not_taken(ada: User) -> None:
    other = User.objects.create_user("other@example.org", PASSWORD)
    address = EmailAddress.objects.create(user=other, email=ada.email)
    assert not address_confirm(address=address)
