"""What somebody has proved is over once the account has changed, also in the middle of a call.

Hashing a password takes a third of a second. So whoever has lost an account tries again and again,
and one of the tries is under way when its owner gets it back.
"""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser

from backend_django.users import services
from backend_django.users.api.serializers import UserSerializer
from backend_django.users.models import ApiToken, Registration, User
from backend_django.utils.errors import Conflict

from .conftest import NEW, PASSWORD, PostOffice, Visitor, link_in, own_again, script

Meanwhile = Callable[[Callable[[], Any]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something happen once, while the next password is hashed."""
    check = AbstractBaseUser.check_password

    def during(happens: Callable[[], Any]) -> None:
        left = [happens]

        def checked(self: Any, password: str) -> bool:
            found = check(self, password)
            if left:
                left.pop()()
            return found

        monkeypatch.setattr(AbstractBaseUser, "check_password", checked)

    return during


def assert_refused(answer: Any) -> None:
    assert (answer.status_code, answer.json()["code"]) == (409, "account_changed")


def test_a_sign_in_under_way_at_a_reset_makes_no_token(
    visitor: Visitor, ada: User, meanwhile: Meanwhile
) -> None:
    meanwhile(own_again)
    assert_refused(visitor.sign_in())
    assert not ApiToken.objects.exists()
    assert not visitor.is_signed_in
    assert visitor.sign_in(NEW).status_code == 200


def test_a_sign_in_of_the_page_under_way_at_a_reset_opens_nothing(
    visitor: Visitor, ada: User, meanwhile: Meanwhile
) -> None:
    meanwhile(own_again)
    visitor.sign_in(token=False)
    assert not visitor.is_signed_in


def test_who_registered_an_address_first_is_not_in_when_its_owner_confirms_it(
    visitor: Visitor, another: Visitor, post_office: PostOffice, meanwhile: Meanwhile
) -> None:
    visitor.register("new@example.org", "the password of a stranger")
    post_office()
    another.register("new@example.org", NEW)
    key = link_in(post_office()[0]).removeprefix("/verify-email/")
    meanwhile(lambda: another.call("registration/verify-email", key=key))
    assert_refused(visitor.sign_in("the password of a stranger", "new@example.org"))
    assert not Registration.objects.exists()
    assert not ApiToken.objects.exists()
    assert another.sign_in(NEW, "new@example.org").status_code == 200


def test_the_old_password_sets_none_when_another_is_there(
    visitor: Visitor, ada: User, meanwhile: Meanwhile
) -> None:
    visitor.force_login(ada)
    meanwhile(own_again)
    stolen = "chosen by somebody else"
    assert_refused(
        visitor.call(
            "password/change", old_password=PASSWORD, new_password1=stolen, new_password2=stolen
        )
    )
    ada.refresh_from_db()
    assert ada.check_password(NEW)


def test_the_old_password_deletes_nothing_when_another_is_there(
    visitor: Visitor, ada: User, meanwhile: Meanwhile
) -> None:
    visitor.force_login(ada)
    meanwhile(own_again)
    assert_refused(visitor.call("user/delete", password=PASSWORD))
    assert User.objects.filter(pk=ada.pk).exists()


@pytest.mark.parametrize(
    "changes",
    [{"is_active": False}, {"sessions_ended": 1}, {"email": "else@example.org"}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_token_is_of_the_account_as_it_is(ada: User, changes: dict[str, Any]) -> None:
    User.objects.filter(pk=ada.pk).update(**changes)
    with pytest.raises(Conflict, match="changed meanwhile"):
        services.token_create(user=ada, name="late")
    ada.delete()
    with pytest.raises(Conflict, match="changed meanwhile"):
        services.token_create(user=User(pk=1_000_000, email="gone@example.org"), name="late")


@pytest.mark.parametrize("by", ["session", "token"])
def test_a_change_of_the_name_takes_nothing_else_back(
    visitor: Visitor, ada: User, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = visitor
    if by == "token":
        caller = script(services.token_create(user=ada, name="script")[1])
    else:
        visitor.force_login(ada)

    def validate(self: Any, attrs: Any) -> Any:
        own_again()
        User.objects.filter(pk=ada.pk).update(is_staff=True, sessions_ended=7)
        return attrs

    monkeypatch.setattr(UserSerializer, "validate", validate)
    path = "/api/v1/auth/user/"
    assert caller.patch(path, {"name": "Ada L."}, "application/json").status_code == 200
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert (ada.name, ada.is_staff, ada.sessions_ended) == ("Ada L.", True, 7)


def test_a_change_of_the_name_does_not_bring_an_account_back(ada: User) -> None:
    stale = User.objects.get(pk=ada.pk)
    EmailAddress.objects.all().delete()
    ada.delete()
    services.account_update(user=stale, name="back")
    assert not User.objects.exists()
