"""Forgetting and changing a password, and what ends with the old one."""

from typing import Any

import pytest
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMessage

from backend_django.users.models import User

from .conftest import NEW, PASSWORD, PostOffice, Visitor, link_in, script

pytestmark = pytest.mark.slow


def parts(mail: EmailMessage) -> dict[str, str]:
    _, _, uid, token = link_in(mail).split("/")
    return {"uid": uid, "token": token}


def set_new(visitor: Visitor, link: dict[str, str], password: str = NEW) -> Any:
    return visitor.call(
        "password/reset/confirm", **link, new_password1=password, new_password2=password
    )


def test_forgotten_password_is_replaced_by_the_link(
    visitor: Visitor, ada: User, post_office: PostOffice
) -> None:
    assert visitor.call("password/reset", email="Ada@example.org").status_code == 200
    (mail,) = post_office()
    link = parts(mail)
    assert set_new(visitor, link, "password").json()["errors"][0]["field"] == "new_password1"
    assert set_new(visitor, link).status_code == 200
    assert (visitor.sign_in(PASSWORD).status_code, visitor.sign_in(NEW).status_code) == (400, 200)
    assert post_office()[0].subject == "Your password was changed"
    again = set_new(visitor, link)
    assert (again.status_code, again.json()["errors"][0]["field"]) == (400, "token")


def test_link_is_dead_after_an_hour(
    visitor: Visitor, ada: User, post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    visitor.call("password/reset", email=ada.email)
    link = parts(post_office()[0])
    now = PasswordResetTokenGenerator._now
    monkeypatch.setattr(
        PasswordResetTokenGenerator, "_now", lambda self: now(self) + timedelta(minutes=61)
    )
    assert set_new(visitor, link).status_code == 400


@pytest.mark.parametrize("uid", ["zzzzzzzzzzzz", "1", "", "\u00e9"])
def test_made_up_link_is_refused(visitor: Visitor, ada: User, uid: str) -> None:
    assert set_new(visitor, {"uid": uid, "token": "a-b"}).status_code == 400


def test_link_also_proves_the_address(visitor: Visitor, post_office: PostOffice) -> None:
    visitor.register("new@example.org")
    post_office()
    visitor.call("password/reset", email="new@example.org")
    set_new(visitor, parts(post_office()[0]))
    assert visitor.sign_in(NEW, "new@example.org").status_code == 200


def test_who_resets_a_password_is_not_kept_out_by_his_guesses(
    visitor: Visitor, ada: User, post_office: PostOffice
) -> None:
    while visitor.sign_in("guess").status_code != 429:
        pass
    visitor.call("password/reset", email=ada.email)
    set_new(visitor, parts(post_office()[0]))
    assert visitor.sign_in(NEW).status_code == 200


def test_link_is_not_sent_to_a_deactivated_account(
    visitor: Visitor, ada: User, post_office: PostOffice
) -> None:
    User.objects.update(is_active=False)
    visitor.call("password/reset", email=ada.email)
    assert post_office() == []


@pytest.mark.parametrize("door", ["page", "reset", "admin", "shell"])
def test_other_sessions_and_tokens_end_with_the_password(
    signed_in: Visitor, another: Visitor, ada: User, post_office: PostOffice, door: str
) -> None:
    tokens = [another.sign_in().json()["key"], signed_in.call("tokens", name="x").json()["key"]]
    assert all(script(key).look("user").status_code == 200 for key in tokens)
    if door == "page":
        wrong = signed_in.call(
            "password/change", old_password="no", new_password1=NEW, new_password2=NEW
        )
        assert wrong.json()["errors"][0]["field"] == "old_password"
        answer = signed_in.call(
            "password/change", old_password=PASSWORD, new_password1=NEW, new_password2=NEW
        )
        assert answer.status_code == 200
        assert signed_in.is_signed_in, "who changes it stays"
    elif door == "reset":
        Visitor().call("password/reset", email=ada.email)
        set_new(Visitor(), parts(post_office()[0]))
    elif door == "admin":
        form = AdminPasswordChangeForm(ada, {"password1": NEW, "password2": NEW})
        assert form.is_valid(), form.errors
        form.save()
    else:
        ada.set_password(NEW)
        ada.save()
    assert not another.is_signed_in
    assert [script(key).look("user").status_code for key in tokens] == [401, 401]


def test_guessing_the_own_password_in_a_stolen_session_is_stopped(signed_in: Visitor) -> None:
    codes = [
        signed_in.call(
            "password/change", old_password=f"{i}", new_password1=NEW, new_password2=NEW
        ).status_code
        for i in range(11)
    ]
    assert (codes[0], codes[10]) == (400, 429)


def test_deactivated_user_is_out_at_once(signed_in: Visitor, ada: User) -> None:
    key = signed_in.call("tokens", name="x").json()["key"]
    User.objects.update(is_active=False)
    assert not signed_in.is_signed_in
    assert script(key).look("user").status_code == 401
    assert Visitor().sign_in().status_code == 400
