"""A user is found by key with a statement of ours, exactly as Django finds them."""

from typing import Any

import pytest
from django.db.models import QuerySet

from backend_django.users.models import User, UserManager

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", [int, str])
def test_found_by_key_is_what_a_query_finds(user: User, key: type) -> None:
    found, expected = User.objects.get(pk=key(user.pk)), User.objects.filter(pk=user.pk).get()
    assert vars(found).keys() == vars(expected).keys()
    ours, djangos = ({**vars(each), "_state": None} for each in (found, expected))
    assert ours == djangos
    assert (found._state.db, found._state.adding) == (expected._state.db, expected._state.adding)


@pytest.mark.parametrize("key", [0, -1, 2**70, None, "0"])
def test_nobody_has_the_key(key: Any) -> None:
    with pytest.raises(User.DoesNotExist):
        User.objects.get(pk=key)


@pytest.mark.parametrize("key", ["seven", object()])
def test_what_is_no_key_is_refused_as_by_django(key: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as expected:
        User.objects.filter(pk=key).get()
    with pytest.raises(expected.type):
        User.objects.get(pk=key)


def test_other_conditions_hold_too(user: User) -> None:
    assert User.objects.get(pk=user.pk, is_active=True) == user
    with pytest.raises(User.DoesNotExist):
        User.objects.get(pk=user.pk, is_active=False)


def test_a_manager_that_leaves_users_out_leaves_them_out_by_key(user: User) -> None:
    class ActiveUsers(UserManager):
        def get_queryset(self) -> QuerySet[User]:
            return super().get_queryset().filter(is_active=True)

    manager = ActiveUsers()
    manager.model = User
    assert manager.get(pk=user.pk) == user
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(User.DoesNotExist):
        manager.get(pk=user.pk)
