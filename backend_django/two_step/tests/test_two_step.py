"""Somebody with two-step sign-in, at every door."""

from importlib import import_module
from typing import Any

import pytest
from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.test import Client, RequestFactory

from backend_django.two_step import services
from backend_django.two_step.adapter import MFAAdapter
from backend_django.two_step.recovery import CodeForm
from backend_django.users.models import User
from backend_django.utils.errors import Conflict
from tests.accounts.conftest import PASSWORD, PostOffice, Visitor, own_again, script
from tests.accounts.test_password import NEW, parts, set_new
from tests.security.test_surface import assert_headers

from .authenticator import code_of

pytestmark = pytest.mark.slow


def test_login_asks_for_the_code_and_gives_nothing_before(
    another: Visitor, secured: tuple[str, list[str]], ada: User
) -> None:
    tokens = ada.api_tokens.count()
    first = another.sign_in()
    assert (first.status_code, first.json()["code"]) == (403, "mfa_required")
    assert "key" not in first.json()
    assert "sessionid" not in first.cookies
    wrong = another.sign_in(code="000000")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "code")
    assert not another.is_signed_in
    assert ada.api_tokens.count() == tokens
    right = another.sign_in(code=code_of(secured[0]))
    assert right.status_code == 200
    assert another.is_signed_in
    assert script(right.json()["key"]).look("user").status_code == 200


def test_the_sixth_fault_login_asks_for_the_second_step(
    another: Visitor, secured: tuple[str, list[str]]
) -> None:
    assert another.sign_in().status_code == 403
    assert not another.is_signed_in
    assert another.sign_in(code=code_of(secured[0])).status_code == 200


def test_wrong_password_does_not_tell_that_there_is_a_second_step(
    another: Visitor, secured: tuple[str, list[str]]
) -> None:
    answer = another.sign_in("wrong", code=code_of(secured[0]))
    assert answer.json()["detail"] == "The email address or the password is wrong."


def test_code_works_once(another: Visitor, secured: tuple[str, list[str]]) -> None:
    code = code_of(secured[0])
    assert another.sign_in(code=code).status_code == 200
    assert Visitor().sign_in(code=code).status_code == 400


def test_recovery_code_works_once(another: Visitor, secured: tuple[str, list[str]]) -> None:
    codes = secured[1]
    assert len(set(codes)) == 10
    assert another.sign_in(code=codes[3]).status_code == 200
    assert another.look("mfa").json() == {"enabled": True, "app": True, "recovery_codes_left": 9}
    assert Visitor().sign_in(code=codes[3]).status_code == 400
    assert Visitor().sign_in(code=codes[4]).status_code == 200


def test_recovery_code_is_typed_as_people_type(
    another: Visitor, secured: tuple[str, list[str]]
) -> None:
    code = secured[1][0].lower().replace("-", " ")
    assert another.sign_in(code=f" {code} ").status_code == 200


def test_recovery_codes_cannot_be_had_of_the_database(
    secured: tuple[str, list[str]], rf: RequestFactory
) -> None:
    """Nor does what stands there open anything."""
    stored = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    text = str(stored.data)
    assert not [code for code in secured[1] if code in text or code.replace("-", "") in text]
    for kept in stored.data["migrated_codes"][:3]:
        with request_context(rf.post("/")):
            assert not CodeForm({"code": kept}, user=stored.user).is_valid()


def test_recovery_codes_of_an_earlier_release_work(
    another: Visitor, secured: tuple[str, list[str]], ada: User
) -> None:
    Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).delete()
    codes = RecoveryCodes.activate(ada).generate_codes()
    assert another.sign_in(code=codes[0]).status_code == 200
    assert Visitor().sign_in(code=codes[0]).status_code == 400


def test_guessing_codes_is_stopped(another: Visitor, secured: tuple[str, list[str]]) -> None:
    codes = [another.sign_in(code=f"{i:06}").status_code for i in range(6)]
    assert codes == [400, 400, 400, 400, 429, 429]
    assert another.sign_in(code=secured[1][0]).status_code == 429


def test_admin_has_no_sign_in_of_its_own(
    client: Client, secured: tuple[str, list[str]], ada: User
) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    asked = client.get("/admin/login/?next=/admin/")
    assert (asked.status_code, asked["Location"]) == (302, "/login?next=%2Fadmin%2F")
    form = {"username": ada.email, "password": PASSWORD, "next": "/admin/"}
    for address in ("/admin/login/", "/admin/"):
        client.post(address, form)
        assert client.get("/admin/").status_code == 302
    with_code = Visitor()
    with_code.sign_in(code=code_of(secured[0]))
    assert with_code.get("/admin/").status_code == 200


@pytest.mark.parametrize("address", ["login", "login/", "signup/", "reauthenticate/", "2fa/"])
def test_accounts_pages_have_no_sign_in_of_their_own(
    client: Client, secured: tuple[str, list[str]], ada: User, address: str
) -> None:
    form = {"login": ada.email, "email": ada.email, "password": PASSWORD}
    answer = client.post(f"/accounts/{address}", form)
    assert answer.status_code == 405
    assert "sessionid" not in answer.cookies


def test_code_page_of_accounts_is_for_those_in_the_middle_of_a_sign_in(
    client: Client, secured: tuple[str, list[str]]
) -> None:
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(secured[0])})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login")
    assert client.get("/api/v1/auth/session/").json()["user"] is None


def test_new_password_by_mail_does_not_turn_the_second_step_off(
    another: Visitor, secured: tuple[str, list[str]], ada: User, post_office: PostOffice
) -> None:
    post_office()
    another.call("password/reset", email=ada.email)
    assert set_new(another, parts(post_office()[0])).status_code == 200
    assert not another.is_signed_in
    assert another.sign_in(NEW).json()["code"] == "mfa_required"


def test_basic_authentication_is_no_door(secured: tuple[str, list[str]], ada: User) -> None:
    import base64

    pair = base64.b64encode(f"{ada.email}:{PASSWORD}".encode()).decode()
    client = Client(headers={"authorization": f"Basic {pair}"})
    assert client.get("/api/v1/auth/user/").status_code == 401
    assert client.get("/admin/").status_code == 302


def test_turning_on_needs_the_password_and_a_code_of_the_app(signed_in: Visitor) -> None:
    secret = signed_in.call("mfa/propose").json()["secret"]

    def activate(**change: str) -> Any:
        form = {"secret": secret, "code": code_of(secret), "password": PASSWORD} | change
        return signed_in.call("mfa/activate", **form)

    for field, value in {"password": "wrong", "code": "000000", "secret": "A" * 31}.items():
        answer = activate(**{field: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert signed_in.look("mfa").json()["enabled"] is False
    assert activate().status_code == 200
    assert activate().status_code == 409


def test_proposal_is_a_qr_code_for_an_app(signed_in: Visitor, ada: User) -> None:
    proposal = signed_in.call("mfa/propose").json()
    assert proposal["url"].startswith("otpauth://totp/ada%40example.org?")
    assert f"secret={proposal['secret']}" in proposal["url"]
    assert proposal["qr_svg"].lstrip().startswith(("<?xml", "<svg"))
    assert "<script" not in proposal["qr_svg"]


@pytest.mark.parametrize("path", ["mfa/deactivate", "mfa/recovery-codes", "user/delete"])
def test_open_session_is_not_enough(
    signed_in: Visitor, secured: tuple[str, list[str]], path: str, ada: User
) -> None:
    assert signed_in.call(path, password="wrong", code=secured[1][0]).status_code == 400
    answer = signed_in.call(path, password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")
    assert signed_in.look("mfa").json() == {"enabled": True, "app": True, "recovery_codes_left": 10}


def test_new_password_and_new_token_need_a_code_as_well(
    signed_in: Visitor, secured: tuple[str, list[str]], ada: User
) -> None:
    before = ada.password, ada.api_tokens.count()
    forms = {
        "password/change": {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW},
        "tokens": {"name": "night job"},
    }
    for path, form in forms.items():
        answer = signed_in.call(path, **form)
        assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required"), path
        assert signed_in.call(path, **form, code="000000").status_code == 400
    ada.refresh_from_db()
    assert (ada.password, ada.api_tokens.count()) == before
    weak = forms["password/change"] | {"new_password1": "password", "new_password2": "password"}
    assert signed_in.call("password/change", **weak, code=secured[1][0]).status_code == 400
    assert signed_in.call("tokens", **forms["tokens"], code=secured[1][0]).status_code == 201
    answer = signed_in.call("password/change", **forms["password/change"], code=secured[1][1])
    assert answer.status_code == 200


def test_secrets_are_not_in_the_database(
    signed_in: Visitor, secured: tuple[str, list[str]], settings: Any
) -> None:
    stored = str(list(Authenticator.objects.values()))
    secret, codes = secured
    assert secret not in stored
    assert not [code for code in codes if code in stored]
    kept = Authenticator.objects.get(type="totp").data["secret"]
    adapter = MFAAdapter()
    assert adapter.decrypt(kept) == secret
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 10
    assert adapter.decrypt(kept) not in {secret, "", kept}, "nobody knows a code for it"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert adapter.decrypt(kept) == secret
    assert adapter.decrypt(secret) == secret, "stored by an earlier release"


def test_secrets_of_an_earlier_release_are_encrypted(
    secured: tuple[str, list[str]], ada: User
) -> None:
    Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).delete()
    codes = RecoveryCodes.activate(ada).generate_codes()
    migration = import_module("backend_django.two_step.migrations.0001_encrypt_secrets")
    rows = Authenticator.objects.order_by("type")
    before = [row.data for row in rows]
    plain = [{name: text if name == "used_mask" else MFAAdapter().decrypt(text)
              for name, text in data.items()} for data in before]  # fmt: skip
    for row, data in zip(rows, plain, strict=True):
        Authenticator.objects.filter(pk=row.pk).update(data=data)
    migration.encrypt_secrets(apps, None)
    encrypted = [row.data for row in rows.all()]
    assert all(secured[0] not in str(data) for data in encrypted)
    assert [[*data] for data in encrypted] == [[*data] for data in before]
    assert secured[0] == MFAAdapter().decrypt(encrypted[1]["secret"])
    assert Visitor().sign_in(code=codes[0]).status_code == 200


def test_what_the_password_alone_had_opened_ends(
    signed_in: Visitor, another: Visitor, ada: User
) -> None:
    key = another.sign_in().json()["key"]
    made = signed_in.call("tokens", name="night job").json()["key"]
    secret = signed_in.call("mfa/propose").json()["secret"]
    form = {"secret": secret, "code": code_of(secret), "password": PASSWORD}
    assert signed_in.call("mfa/activate", **form).status_code == 200
    assert (signed_in.is_signed_in, another.is_signed_in) == (True, False)
    assert script(key).look("user").status_code == 401
    assert script(made).look("user").status_code == 200, "its owner named it and may revoke it"


def test_new_recovery_codes_end_the_old(
    signed_in: Visitor, secured: tuple[str, list[str]], post_office: PostOffice
) -> None:
    old = secured[1]
    new = signed_in.call("mfa/recovery-codes", password=PASSWORD, code=old[0])
    codes = new.json()["recovery_codes"]
    assert not set(codes) & set(old)
    assert Visitor().sign_in(code=old[1]).status_code == 400
    assert Visitor().sign_in(code=codes[0]).status_code == 200
    assert {mail.subject for mail in post_office()} == {
        "Two-step sign-in is on",
        "You have new recovery codes",
    }


def test_turned_off_it_asks_no_more(
    signed_in: Visitor, another: Visitor, secured: tuple[str, list[str]]
) -> None:
    answer = signed_in.call("mfa/deactivate", password=PASSWORD, code=code_of(secured[0]))
    assert answer.status_code == 200
    status = {"enabled": False, "app": False, "recovery_codes_left": 0}
    assert signed_in.look("mfa").json() == status
    assert another.sign_in().status_code == 200


def test_pages_of_accounts_lead_to_the_page(client: Client, db: None) -> None:
    answer = client.get("/accounts/2fa/")
    assert (answer.status_code, answer["Location"]) == (302, "/account")
    assert client.post("/accounts/2fa/").status_code == 405


def test_code_page_of_accounts_carries_the_headers_and_sends_nobody_elsewhere(
    client: Client, user: User
) -> None:
    address = "/accounts/2fa/authenticate/"
    assert_headers(client.get(address, secure=True, headers={"origin": "https://evil.example"}))
    for to in ("https://evil.example", "//evil.example", "/\\evil.example"):
        for method in (client.get, client.post):
            assert method(address, query_params={"next": to})["Location"] == "/accounts/login"


def test_no_second_step_is_set_up_or_taken_away_with_a_password_that_is_over(
    signed_in: Visitor, ada: User
) -> None:
    """Else whoever lost an account could lock its owner out in the same moment."""
    secret = signed_in.call("mfa/propose").json()["secret"]
    own_again()
    for change in (
        lambda: services.mfa_activate(user=ada, secret=secret, code=code_of(secret), token=None),
        lambda: services.mfa_deactivate(user=ada),
        lambda: services.recovery_codes_renew(user=ada),
    ):
        with pytest.raises(Conflict, match="changed meanwhile"):
            change()
    assert not Authenticator.objects.exists()
