"""A sign-in begins a session of its own, whoever was signed in before."""

from backend_django.users.models import User

from .conftest import NEW, PASSWORD, Visitor


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


def test_a_call_on_its_way_does_not_take_the_next_session_away(visitor: Visitor, ada: User) -> None:
    """It has the former cookie, and is answered after the browser got another one."""
    visitor.sign_in()
    late = Visitor()
    late.cookies.load(visitor.cookies.output(header=""))
    passwords = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    changed = visitor.call("password/change", **passwords)
    assert changed.cookies["sessionid"].value != late.cookies["sessionid"].value
    answer = late.look("user")
    assert answer.status_code == 401
    assert "sessionid" not in answer.cookies
    assert "Cookie" in answer.headers["Vary"]
    assert visitor.is_signed_in
    assert visitor.call("logout").cookies["sessionid"]["max-age"] == 0
