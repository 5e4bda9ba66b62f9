"""The admin is no way round what the account page asks before a password is changed."""

import pytest

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
    assert client.post(f"{ADMIN}/{user.pk}/password/", passwords).status_code == 403
    assert client.post(f"{ADMIN}/{ada.pk}/password/", passwords).status_code == 302
    for each in (user, ada):
        each.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert ada.check_password(NEW)
