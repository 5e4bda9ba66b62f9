"""The admin is no way round what the account page asks before a password or email is changed."""

from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.test import RequestFactory

from backend_django.users.models import User

from .conftest import NEW, PASSWORD, Visitor

ADMIN = "/admin/users/user"


@pytest.fixture
def root(visitor: Visitor) -> tuple[Visitor, User]:
    user = User.objects.create_superuser("root@example.org", PASSWORD)
    visitor.force_login(user)
    return visitor, user


def test_the_form_of_the_admin_for_ones_own_password_is_the_account_page(
    root: tuple[Visitor, User],
) -> None:
    client, user = root
    assert client.get("/admin/password_change/")["Location"] == "/account"
    passwords = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/admin/password_change/", passwords).status_code == 405
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_an_open_session_of_an_administrator_sets_others_passwords_and_not_its_own(
    root: tuple[Visitor, User], ada: User
) -> None:
    client, user = root
    passwords = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client.get(f"{ADMIN}/{user.pk}/password/")["Location"] == "/account"
    for own in (user.pk, f"0{user.pk}", f"+{user.pk}", f"%20{user.pk}", f"_30{user.pk}"):
        assert client.post(f"{ADMIN}/{own}/password/", passwords).status_code in {403, 404}, own
    assert client.post(f"{ADMIN}/{ada.pk}/password/", passwords).status_code == 302
    for each in (user, ada):
        each.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert ada.check_password(NEW)


def form_of(user: User, **changes: str) -> dict[str, Any]:
    """What the admin's form of an account sends."""
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    active = {"is_active": "on"}
    inline = {"api_tokens-TOTAL_FORMS": "0", "api_tokens-INITIAL_FORMS": "0"}
    return {"email": user.email, "name": user.name, **joined, **active, **inline, **changes}


def test_an_email_that_an_administrator_changes_is_the_only_way_in(
    root: tuple[Visitor, User], ada: User
) -> None:
    client, user = root
    SocialAccount.objects.create(user=ada, provider="google", uid="123")
    saved = client.post(f"{ADMIN}/{ada.pk}/change/", form_of(ada, email="a.l@example.org"))
    assert saved.status_code == 302, saved.content
    ada.refresh_from_db()
    assert ada.email == "a.l@example.org"
    assert not EmailAddress.objects.filter(user=ada).exists()
    assert not SocialAccount.objects.exists()
    # One's own asks for the password, on the account page.
    own = client.post(
        f"{ADMIN}/{user.pk}/change/",
        form_of(user, email="else@example.org", name="Root", is_staff="on", is_superuser="on"),
    )
    assert own.status_code == 302, own.content
    user.refresh_from_db()
    assert (user.email, user.name) == ("root@example.org", "Root")


def test_the_admin_saves_what_was_changed_and_takes_nothing_else_back(
    root: tuple[Visitor, User], ada: User
) -> None:
    stale = User.objects.get(pk=ada.pk)
    ada.set_password(NEW)
    ada.save()
    stale.name = "Ada L."
    form = SimpleNamespace(changed_data=["name", "groups"])
    page = admin.site.get_model_admin(User)
    page.save_model(RequestFactory().post("/"), stale, form, change=True)
    ada.refresh_from_db()
    assert ada.name == "Ada L."
    assert ada.check_password(NEW)
