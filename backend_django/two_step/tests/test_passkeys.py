"""Passkeys at every door: added, asked for, refused, removed."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from backend_django.audit.models import AuditEvent
from backend_django.two_step import passkeys, webauthn
from backend_django.users.models import User
from backend_django.users.services import token_create
from tests.accounts.conftest import NEW, PASSWORD, PostOffice, Visitor, script

from .authenticator import code_of
from .passkey import PRESENT, Passkey

pytestmark = pytest.mark.slow

Change = Callable[[dict[str, Any]], Any]


def add(visitor: Visitor, name: str = "laptop", **proof: Any) -> Passkey:
    made = Passkey()
    answer = post(visitor, made, name, **proof)
    assert answer.status_code == 201, answer.content
    return made


def post(visitor: Visitor, made: Passkey, name: str = "laptop", **proof: Any) -> Any:
    proposed = visitor.call("mfa/passkeys/propose", password=PASSWORD, **proof)
    assert proposed.status_code == 200, proposed.content
    credential = made.create(proposed.json()["public_key"])
    return visitor.call("mfa/passkeys", name=name, credential=credential)


def asked(visitor: Visitor) -> dict[str, Any]:
    """The options that a visitor is given to prove a passkey."""
    answer = visitor.call("mfa/passkeys/challenge")
    assert answer.status_code == 200, answer.content
    options: dict[str, Any] = answer.json()["public_key"]
    return options


def enter(visitor: Visitor, passkey: Passkey) -> Any:
    return visitor.call("mfa/passkeys/login", credential=passkey.get(asked(visitor)))


@pytest.fixture
def passkey(signed_in: Visitor) -> Passkey:
    """Ada's."""
    return add(signed_in)


def test_passkey_signs_in_by_itself(another: Visitor, passkey: Passkey, ada: User) -> None:
    answer = enter(another, passkey)
    assert (answer.status_code, answer.content) == (204, b"")
    assert another.look("session").json()["user"]["email"] == ada.email
    row = another.look("mfa/passkeys").json()[0]
    assert (row["name"], bool(row["last_used_at"])) == ("laptop", True)
    assert AuditEvent.objects.filter(event="sign_in", outcome="success", actor=ada).exists()


def test_passkey_is_asked_for_after_the_password(another: Visitor, passkey: Passkey) -> None:
    refused = another.sign_in()
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")
    assert not another.is_signed_in
    assert another.sign_in(passkey=passkey.get(asked(another))).status_code == 200
    assert another.is_signed_in


def test_first_one_ends_what_the_password_alone_had_opened(
    signed_in: Visitor, another: Visitor, ada: User, post_office: PostOffice
) -> None:
    key = another.sign_in().json()["key"]
    post_office()
    answer = post(signed_in, Passkey())
    codes = answer.json()["recovery_codes"]
    assert len(codes) == 10
    assert (signed_in.is_signed_in, another.is_signed_in) == (True, False)
    assert script(key).look("user").status_code == 401
    status = {"enabled": True, "app": False, "recovery_codes_left": 10}
    assert signed_in.look("mfa").json() == status
    assert [mail.subject for mail in post_office()] == [
        "Your account has a passkey, and two-step sign-in is on"
    ]
    assert another.sign_in(code=codes[0]).status_code == 200
    second = post(signed_in, Passkey(), code=codes[1])
    assert second.json()["recovery_codes"] == []
    assert another.is_signed_in
    assert [mail.subject for mail in post_office()] == ["Your account has a new passkey"]


def test_beside_an_app_both_count(
    signed_in: Visitor, another: Visitor, secured: tuple[str, list[str]]
) -> None:
    passkey = add(signed_in, code=secured[1][0])
    assert another.sign_in(code=code_of(secured[0])).status_code == 200
    assert Visitor().sign_in(code=secured[1][1]).status_code == 200
    visitor = Visitor()
    assert visitor.sign_in(passkey=passkey.get(asked(visitor))).status_code == 200


def test_app_beside_a_passkey_asks_for_the_passkey(signed_in: Visitor, passkey: Passkey) -> None:
    secret = signed_in.call("mfa/propose").json()["secret"]
    form = {"secret": secret, "code": code_of(secret), "password": PASSWORD}
    refused = signed_in.call("mfa/activate", **form)
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")
    answer = signed_in.call("mfa/activate", **form, passkey=passkey.get(asked(signed_in)))
    assert answer.json() == {"recovery_codes": []}
    assert signed_in.look("mfa").json()["app"] is True


def test_names_are_given_and_changed(signed_in: Visitor, passkey: Passkey) -> None:
    signed_in.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    add(signed_in, name="", passkey=passkey.get(asked(signed_in)))
    rows = signed_in.look("mfa/passkeys").json()
    assert [row["name"] for row in rows] == ["laptop", "Firefox on Linux"]
    path = f"/api/v1/auth/mfa/passkeys/{rows[0]['id']}/"
    renamed = signed_in.patch(path, {"name": "Key ring"}, "application/json")
    assert renamed.json()["name"] == "Key ring"
    assert signed_in.look("mfa/passkeys").json()[0]["name"] == "Key ring"
    assert signed_in.patch(path, {"name": " "}, "application/json").status_code == 400
    assert enter(Visitor(), passkey).status_code == 204


def test_removed_it_opens_nothing(
    signed_in: Visitor, passkey: Passkey, post_office: PostOffice
) -> None:
    other = add(signed_in, name="phone", passkey=passkey.get(asked(signed_in)))
    post_office()
    first, second = signed_in.look("mfa/passkeys").json()

    def remove(row: dict[str, Any], **proof: Any) -> Any:
        return signed_in.call(f"mfa/passkeys/{row['id']}/remove", **proof)

    assert remove(first, password="wrong", passkey=passkey.get(asked(signed_in))).status_code == 400
    assert remove(first, password=PASSWORD).json()["code"] == "mfa_required"
    proof = {"password": PASSWORD, "passkey": passkey.get(asked(signed_in))}
    assert remove(first, **proof).status_code == 204
    assert [mail.subject for mail in post_office()] == ["A passkey was removed"]
    assert enter(Visitor(), passkey).status_code == 400
    assert enter(Visitor(), other).status_code == 204
    assert signed_in.look("mfa").json()["enabled"] is True
    assert remove(second, password=PASSWORD, passkey=other.get(asked(signed_in))).status_code == 204
    assert [mail.subject for mail in post_office()] == ["Two-step sign-in is off"]
    assert signed_in.look("mfa").json() == {
        "enabled": False, "app": False, "recovery_codes_left": 0,
    }  # fmt: skip
    assert Visitor().sign_in().status_code == 200


def test_turned_off_the_passkeys_go(signed_in: Visitor, passkey: Passkey) -> None:
    proof = passkey.get(asked(signed_in))
    assert signed_in.call("mfa/deactivate", password=PASSWORD, passkey=proof).status_code == 200
    assert signed_in.look("mfa/passkeys").json() == []
    assert enter(Visitor(), passkey).status_code == 400


@pytest.mark.parametrize(
    "origin",
    ["http://testserver.evil.example", "http://sub.testserver", "http://testserver:8000",
     "https://testserver", "null", ""],
)  # fmt: skip
def test_what_another_site_had_signed_is_refused(
    signed_in: Visitor, another: Visitor, passkey: Passkey, origin: str
) -> None:
    passkey.origin = origin
    answer = enter(another, passkey)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "credential")
    wrong = another.sign_in(passkey=passkey.get(asked(another)))
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "passkey")
    assert not another.is_signed_in
    passkey.origin = "http://testserver"
    proof = passkey.get(asked(signed_in))
    assert post(signed_in, Passkey(origin), passkey=proof).status_code == 400


@pytest.mark.parametrize("site", ["https://maps.example.org", "https://maps.example.org:8443/gis"])
def test_it_belongs_to_the_address_of_the_site(
    signed_in: Visitor, another: Visitor, settings: Any, site: str
) -> None:
    settings.BASE_PATH = "/gis" if site.endswith("/gis") else ""
    settings.SITE_URL = site.removesuffix("/gis")
    made = Passkey(settings.SITE_URL)
    assert post(signed_in, made).status_code == 201
    options = asked(another)
    assert options["rpId"] == "maps.example.org"
    assert another.call("mfa/passkeys/login", credential=made.get(options)).status_code == 204
    made.origin = "http://testserver"
    assert enter(Visitor(), made).status_code == 400


def test_challenge_counts_once_and_for_one_browser(another: Visitor, passkey: Passkey) -> None:
    signed = passkey.get(asked(another))
    before = another.cookies["sessionid"].value
    assert another.call("mfa/passkeys/login", credential=signed).status_code == 204
    assert another.call("mfa/passkeys/login", credential=signed).status_code == 400
    thief = Visitor()
    asked(thief)
    assert thief.call("mfa/passkeys/login", credential=signed).status_code == 400
    # Not even for calls at the same time, which both find it in the session.
    again = Visitor()
    again.cookies["sessionid"] = before
    assert again.call("mfa/passkeys/login", credential=signed).status_code == 400
    assert not again.is_signed_in


def test_challenge_in_the_session_of_two_calls_counts_once(
    another: Visitor, passkey: Passkey
) -> None:
    signed = passkey.get(asked(another))
    session = another.session
    kept = session[webauthn.CHALLENGE]
    assert another.call("mfa/passkeys/login", credential=signed).status_code == 204
    session = another.session
    session[webauthn.CHALLENGE] = kept
    session.save()
    assert another.call("mfa/passkeys/login", credential=signed).status_code == 400


def test_challenge_of_a_while_ago_is_refused(
    another: Visitor, passkey: Passkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = passkey.get(asked(another))
    later = timezone.now().timestamp() + webauthn.CHALLENGE_SECONDS + 1
    monkeypatch.setattr(webauthn.time, "time", lambda: later)
    assert another.call("mfa/passkeys/login", credential=signed).status_code == 400


def test_somebody_elses_passkey_opens_their_account_only(
    another: Visitor, passkey: Passkey, ada: User
) -> None:
    grace = User.objects.create_user("grace@example.org", PASSWORD)
    browser = Visitor()
    browser.force_login(grace)
    hers = add(browser)
    # As the second step of Ada's sign-in, and with Ada's name on it.
    assert another.sign_in(passkey=hers.get(asked(another))).status_code == 400
    hers.user = passkey.user
    assert enter(another, hers).status_code == 400
    assert not another.is_signed_in
    assert AuditEvent.objects.filter(event="second_step", outcome="failure", actor=ada).exists()


def test_device_that_does_not_know_its_user_is_refused(
    signed_in: Visitor, another: Visitor, passkey: Passkey
) -> None:
    proof = passkey.get(asked(signed_in))
    weak = Passkey()
    weak.flags = PRESENT
    assert post(signed_in, weak, passkey=proof).status_code == 400
    passkey.flags = PRESENT
    assert enter(another, passkey).status_code == 400


def test_inactive_user_is_not_let_in(another: Visitor, passkey: Passkey) -> None:
    User.objects.update(is_active=False)
    assert enter(another, passkey).status_code == 400


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said["response"].update(signature="AAAA"),
        lambda said: said["response"].update(authenticatorData=""),
        lambda said: said["response"].update(clientDataJSON="e30"),
        lambda said: said["response"].update(clientDataJSON="%%%"),
        lambda said: said["response"].update(userHandle=None),
        lambda said: said["response"].update(userHandle="enp6enp6enp6enp6enp6"),
        lambda said: said["response"].pop("userHandle"),
        lambda said: said.update(response=[]),
        lambda said: said.update(rawId=7),
        lambda said: said.clear(),
    ],
)
def test_nonsense_is_refused(another: Visitor, passkey: Passkey, spoil: Change) -> None:
    said = passkey.get(asked(another))
    spoil(said)
    assert another.call("mfa/passkeys/login", credential=said).status_code == 400
    assert another.call("mfa/passkeys/login", credential="x").status_code == 400
    assert not another.is_signed_in


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said["response"].update(attestationObject="oA"),
        lambda said: said["response"].update(attestationObject=""),
        lambda said: said["response"].update(clientDataJSON="e30"),
        lambda said: said["response"].pop("attestationObject"),
        lambda said: said.update(response=None),
        lambda said: said.update(id="x" * 30_000),
    ],
)
def test_nonsense_is_not_stored(signed_in: Visitor, ada: User, spoil: Change) -> None:
    options = signed_in.call("mfa/passkeys/propose", password=PASSWORD).json()["public_key"]
    said = Passkey().create(options)
    spoil(said)
    assert signed_in.call("mfa/passkeys", credential=said).status_code == 400
    assert not Authenticator.objects.exists()


def test_password_is_asked_for_before_one_is_made(
    signed_in: Visitor, another: Visitor, ada: User
) -> None:
    assert signed_in.call("mfa/passkeys/propose", password="wrong").status_code == 400
    challenge = asked(signed_in)["challenge"]
    options = {"user": {"id": "MQ"}, "rp": {"id": "testserver"}, "challenge": challenge}
    made = Passkey().create(options)
    assert signed_in.call("mfa/passkeys", credential=made).status_code == 400, "of another purpose"
    assert another.call("mfa/passkeys/propose", password=PASSWORD).status_code == 401


def test_token_may_do_none_of_it(signed_in: Visitor, ada: User) -> None:
    passkey = add(signed_in)
    pk = signed_in.look("mfa/passkeys").json()[0]["id"]
    ada.refresh_from_db()
    token = script(token_create(user=ada, name="x")[1])
    path = f"/api/v1/auth/mfa/passkeys/{pk}/"
    answers = [
        token.look("mfa/passkeys"),
        token.call("mfa/passkeys/propose", password=PASSWORD, passkey=passkey.get(asked(token))),
        token.call("mfa/passkeys", credential={}),
        token.patch(path, {"name": "x"}, "application/json"),
        token.call(f"mfa/passkeys/{pk}/remove", password=PASSWORD),
    ]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "not_with_a_token")}


def test_too_many_are_refused(
    signed_in: Visitor, passkey: Passkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "MAX_PASSKEYS", 1)
    proof = passkey.get(asked(signed_in))
    answer = signed_in.call("mfa/passkeys/propose", password=PASSWORD, passkey=proof)
    assert answer.status_code == 409


def test_wrong_ones_after_a_password_are_stopped(another: Visitor, passkey: Passkey) -> None:
    wrong = Passkey()
    answers = [another.sign_in(passkey=wrong.get(asked(another))).status_code for _ in range(6)]
    assert answers == [400, 400, 400, 400, 429, 429]
    assert enter(another, passkey).status_code == 204, "whoever guesses does not lock its owner out"


def test_new_password_by_its_owner_asks_for_it(signed_in: Visitor, passkey: Passkey) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert signed_in.call("password/change", **form).json()["code"] == "mfa_required"
    proof = passkey.get(asked(signed_in))
    assert signed_in.call("password/change", **form, passkey=proof).status_code == 200


def test_it_counts_for_staff_and_for_everybody(
    signed_in: Visitor, ada: User, settings: Any
) -> None:
    settings.TWO_STEP_FOR_STAFF = settings.TWO_STEP_FOR_EVERYONE = True
    User.objects.update(is_staff=True, is_superuser=True)
    assert signed_in.get("/api/v1/requests/list/").status_code == 403
    add(signed_in)
    assert signed_in.get("/api/v1/requests/list/").status_code == 200
    assert signed_in.get("/admin/").status_code == 200


def test_challenges_are_limited(db: None, settings: Any) -> None:
    visitor = Client()
    path = "/api/v1/auth/mfa/passkeys/challenge/"
    codes = {visitor.post(path).status_code for _ in range(31)}
    assert codes == {200, 429}
