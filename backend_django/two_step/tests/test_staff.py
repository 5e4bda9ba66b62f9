"""Staff need a second step: the admin and what else is theirs waits for it."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.test import Client

from backend_django.audit.models import AuditEvent
from backend_django.users.models import User
from backend_django.users.services import superuser_ensure, token_create
from tests.accounts.conftest import PASSWORD, Visitor, script
from tests.security.test_routes import ADMIN, path_of, routes

from .authenticator import code_of

pytestmark = pytest.mark.slow

EMAIL = "root@example.org"


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.TWO_STEP_FOR_STAFF = True


@pytest.fixture
def root(db: None) -> Visitor:
    """The superuser of a fresh installation, signed in by the page."""
    assert superuser_ensure(email=EMAIL, password=PASSWORD)
    visitor = Visitor()
    assert visitor.sign_in(email=EMAIL, token=False).status_code == 204
    return visitor


def set_up(visitor: Visitor) -> str:
    secret: str = visitor.call("mfa/propose").json()["secret"]
    proof = {"code": code_of(secret), "password": PASSWORD}
    assert visitor.call("mfa/activate", secret=secret, **proof).status_code == 200
    return secret


def test_superuser_of_a_fresh_installation_sets_it_up_and_goes_on(root: Visitor) -> None:
    answer = root.get("/admin/users/user/?q=a")
    assert answer.status_code == 302
    assert answer["Location"] == "/account?next=%2Fadmin%2Fusers%2Fuser%2F%3Fq%3Da"
    set_up(root)
    assert root.get("/admin/users/user/?q=a").status_code == 200


def test_it_is_asked_for_at_the_next_sign_in(root: Visitor) -> None:
    secret = set_up(root)
    again = Visitor()
    assert again.sign_in(email=EMAIL, token=False).json()["code"] == "mfa_required"
    assert again.sign_in(email=EMAIL, token=False, code=code_of(secret)).status_code == 204
    assert again.get("/admin/").status_code == 200


@pytest.mark.slow
def test_no_route_of_the_admin_is_open_before(root: Visitor) -> None:
    import random

    rng, met = random.Random(0), 0
    for template, _ in routes():
        if not template.startswith(ADMIN) or template == f"{ADMIN}logout/":
            continue
        path = path_of(template, rng)
        assert root.get(path).get("Location", "").startswith("/account?next="), template
        assert root.post(path).status_code == 403, template
        met += 1
    assert met > 50


def test_what_else_staff_may_waits_too(root: Visitor, settings: Any) -> None:
    settings.API_DOCS_FOR = "staff"
    user = User.objects.get(email=EMAIL)
    token = script(token_create(user=user, name="x")[1])
    closed = [*(root.get(path) for path in ("/metrics/", "/health/full/", "/api/v1/schema/")),
              token.get("/api/v1/schema/")]  # fmt: skip
    for answer in closed:
        assert (answer.status_code, answer.json()["code"]) == (403, "second_step_required")
        assert "account page" in answer.json()["detail"]
    set_up(root)
    assert root.get("/metrics/").status_code == 200
    assert token.get("/api/v1/schema/").status_code == 200


def test_a_change_that_was_refused_is_not_made(root: Visitor) -> None:
    data = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert root.post("/admin/users/user/add/", data).status_code == 403
    assert not User.objects.filter(email=data["email"]).exists()
    event = AuditEvent.objects.get(event__startswith="admin.")
    assert (event.event, event.outcome) == ("admin.users_user_add", "failure")


def test_staff_can_sign_out_and_others_are_as_before(root: Visitor, user: User) -> None:
    assert root.post("/admin/logout/").status_code in {200, 302}
    assert not root.is_signed_in
    client = Client()
    client.force_login(user)
    assert client.get("/admin/")["Location"].startswith("/admin/login/?next=")
    assert client.get("/metrics/").status_code == 401


def test_without_the_setting_nothing_is_asked(root: Visitor, settings: Any) -> None:
    settings.TWO_STEP_FOR_STAFF = False
    assert root.get("/admin/").status_code == 200
    assert root.get("/metrics/").status_code == 200


def test_production_asks_for_it() -> None:
    import os
    import subprocess
    import sys

    from tests.site_config.test_production import GOOD
    from tests.stack import ROOT

    code = "from django.conf import settings; print(settings.TWO_STEP_FOR_STAFF)"
    for given, said in ((None, "True"), ("false", "False")):
        environment = {"PATH": os.environ["PATH"]} | GOOD
        environment["DJANGO_SETTINGS_MODULE"] = "backend_django.config.settings.production"
        if given:
            environment["TWO_STEP_FOR_STAFF"] = given
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.stdout.strip() == said, done.stderr
    assert django_settings.APP_ENVIRONMENT == "test"


def test_the_admin_turns_off_that_of_others_and_not_ones_own(root: Visitor, ada: User) -> None:
    set_up(root)
    own = Authenticator.objects.get(user__email=EMAIL, type="totp")
    lost = Authenticator.objects.create(user=ada, type="totp", data={"secret": "x"})
    admin = "/admin/mfa/authenticator"
    chosen = {"action": "delete_selected", "_selected_action": [own.pk], "post": "yes"}
    for path, data in (
        (f"{admin}/{own.pk}/delete/", {"post": "yes"}),
        (f"{admin}/", chosen),
        (f"{admin}/{lost.pk}/change/", {"data": '{"secret": "known"}'}),
        (f"{admin}/add/", {"user": ada.pk, "type": "totp", "data": '{"secret": "known"}'}),
    ):
        assert root.post(path, data).status_code == 403, path
    assert "secret" not in root.get(f"{admin}/{lost.pk}/change/").content.decode()
    assert root.post(f"{admin}/{lost.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(Authenticator.objects.filter(type="totp")) == [own]
    assert AuditEvent.objects.filter(event="second_step_off", target=ada.email).exists()
