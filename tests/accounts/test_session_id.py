"""A sign-in begins a session of its own, whoever was signed in before."""

from backend_django.users.models import User

from .conftest import Visitor


def test_each_sign_in_has_a_new_session_and_ends_the_one_before(
    visitor: Visitor, ada: User
) -> None:
    ids = []
    for _ in range(3):
        assert visitor.sign_in().status_code == 200
        ids.append(visitor.cookies["sessionid"].value)
    assert len(set(ids)) == 3
    assert visitor.is_signed_in
    for old in ids[:-1]:
        stale = Visitor()
        stale.cookies["sessionid"] = old
        assert not stale.is_signed_in
