"""What a stranger on the internet meets: every address of Django, and what each answer carries."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.http import HttpResponse
from django.test import Client, RequestFactory

from backend_django.users.models import User
from backend_django.utils.headers import PoliciesMiddleware

from .addresses import LINK, OPEN, every_address, url_patterns

PAGE = {200, 503}  # 503: the page is not built here
# Besides what is open in the API (addresses.py), the addresses that answer a stranger.
OPEN_TO_ALL = r"/health/(live|ready)/|/\.well-known/security\.txt|/[^/]*"


def paths() -> dict[str, str]:
    """One path for each pattern there is, by its pattern: `admin/…/<path:object_id>/` as well."""
    values = {"id": str(uuid4()), "share": str(uuid4()), "token": "x" * 30, "app_label": "users"}
    found = {}
    for regex, _ in url_patterns():
        text = simplify_regex(regex.replace("/?", "/")).replace("\\Z", "").replace("\\", "")
        found[text] = re.sub(r"<(\w+)>", lambda m: values.get(m[1], "1"), text)
    return found


@pytest.fixture
def stranger(db: None) -> Client:
    return Client(raise_request_exception=False)


def test_strangers_see_only_what_is_open(stranger: Client) -> None:
    may = {f"/api/v1{a.template}" for a in every_address() if a.access in {OPEN, LINK}}
    seen = {}
    for pattern, path in paths().items():
        answer = stranger.get(path)
        outcome = answer.status_code
        to_sign_in = outcome == 302 and answer["Location"].startswith(("/login", "/admin/"))
        leads_to_the_page = outcome == 302 and path.startswith("/accounts/")
        if re.sub(r"<(\w+)>", r"{\1}", pattern) in may or re.fullmatch(OPEN_TO_ALL, path):
            continue
        if outcome not in {400, 401, 403, 404, 405} and not (to_sign_in or leads_to_the_page):
            seen[path] = outcome
    assert len(paths()) > 100
    assert seen == {}


CLASSES = {
    "page": "/somewhere",
    "sign-in page": "/login",
    "static": "/static/api/docs.css",
    "missing file": "/static/none.js",
    "open API": "/api/v1/version/",
    "closed API": "/api/v1/auth/user/",
    "unknown API": "/api/v1/none/",
    "wrong method": "/api/v1/auth/login/",
    "accounts": "/accounts/login/",
    "admin": "/admin/",
    "probe": "/health/live",
    "metrics": "/metrics",
    "API documentation": "/api/v1/docs/",
    "policy": "/.well-known/security.txt",
}


def assert_headers(answer: Any) -> None:
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"] == "max-age=3600"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
    policy = dict(
        directive.strip().partition(" ")[::2]
        for directive in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    for name in ("script-src", "style-src"):
        assert re.fullmatch(r"'self'( 'sha256-[A-Za-z0-9+/=]+')*", policy[name]), policy[name]


@pytest.mark.parametrize("path", CLASSES.values(), ids=CLASSES)
def test_headers_and_strict_policy_are_on_every_class_of_address(
    stranger: Client, path: str
) -> None:
    answer = stranger.get(path, secure=True, headers={"origin": "https://evil.example"})
    answer.close()  # of a file
    assert_headers(answer)


@pytest.mark.slow
def test_no_cache_keeps_an_answer_of_the_api(client: Client, user: User) -> None:
    client.force_login(user)
    asked = [path for path in paths().values() if path.startswith("/api/")]
    answers = {path: client.get(path)["Cache-Control"] for path in asked}
    assert "/api/v1/auth/tokens/" in answers
    assert {path: said for path, said in answers.items() if "private" not in said} == {}


def test_they_are_on_what_goes_wrong_too(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError

    client.force_login(user)
    client.raise_request_exception = False
    monkeypatch.setattr("backend_django.processing.api.views.request_state", explode)
    monkeypatch.setattr("backend_django.processing.api.lists.read_query", explode)
    answer = client.get("/api/v1/wordcount/list/", secure=True)
    assert answer.status_code == 500
    assert_headers(answer)
    assert client.get("/admin/", secure=True).status_code == 302
    User.objects.update(is_staff=True, is_superuser=True)
    for path in ("/admin/", "/api/v1/docs/", "/admin/none/"):
        assert_headers(client.get(path, secure=True))


@pytest.mark.parametrize("path", ["/api/v1/version/", "/api/v1/auth/login/", "/login"])
def test_no_other_origin_may_read_or_send(stranger: Client, path: str) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = stranger.options(path, headers=asked)
    assert answer.status_code in {200, 401, 405}
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver@evil"])
@pytest.mark.parametrize("path", ["/login", "/api/v1/version/", "/admin/", "/health/full"])
def test_foreign_host_is_refused(stranger: Client, path: str, host: str) -> None:
    answer = stranger.get(path, headers={"host": host})
    assert answer.status_code == 400
    assert "evil" not in str(answer.headers)
    forwarded = stranger.get("/api/v1/docs/", headers={"x-forwarded-host": host})
    assert "evil" not in forwarded["Location"], "nobody asked whom a proxy forwards for"


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example"])
@pytest.mark.parametrize("path", ["/admin/login/", "/accounts/login/", "/admin/logout/"])
def test_nobody_is_sent_elsewhere(client: Client, user: User, path: str, to: str) -> None:
    """What the page does with `next` is seen in a browser, in tests/browser/test_shell.py."""
    for method in (client.get, client.post):
        answer = method(path, query_params={"next": to})
        assert answer.status_code in {200, 302, 403, 405}
        assert re.match(r"/(?![/\\])|$", answer.get("Location", "")), answer["Location"]


def test_cookies_of_production_cannot_be_read_or_sent_elsewhere(
    stranger: Client, user: User, settings: Any
) -> None:
    from backend_django.config.settings.concerns import security

    for name in dir(security):
        if name.startswith(("SESSION_COOKIE", "CSRF_COOKIE")):
            setattr(settings, name, getattr(security, name))
    form = {"email": user.email, "password": "correct horse battery staple"}
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    stranger.get("/api/v1/auth/session/", secure=True)
    answer = stranger.post("/api/v1/auth/login/", form, "application/json", secure=True)
    assert answer.status_code == 200, answer.content
    cookies = stranger.cookies
    assert set(cookies) >= {"__Host-sessionid", "__Host-csrftoken"}
    for cookie in cookies.values():
        if cookie.value:
            assert (cookie["secure"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
            assert not cookie["domain"], "__Host- cookies have none"
    assert cookies["__Host-sessionid"]["httponly"] is True


@pytest.mark.slow
def test_admin_is_where_the_environment_says() -> None:
    code = "from django.urls import reverse; import django; django.setup();"
    done = subprocess.run(
        [sys.executable, "-c", f"{code} print(reverse('admin:index'))"],
        env=os.environ | {"DJANGO_ADMIN_URL": "back-office/"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "/back-office/", done.stderr


def test_who_finds_a_weakness_learns_whom_to_tell(client: Client, settings: Any) -> None:
    settings.SECURITY_CONTACT = []
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = ["mailto:security@example.org", "https://example.org/report"]
    answer = client.get("/.well-known/security.txt")
    assert answer["Content-Type"].startswith("text/plain")
    fields = [line.partition(": ")[::2] for line in answer.text.splitlines()]
    assert [value for name, value in fields if name == "Contact"] == settings.SECURITY_CONTACT
    (expires,) = [datetime.fromisoformat(value) for name, value in fields if name == "Expires"]
    assert timedelta(days=30) < expires - datetime.now(tz=UTC) < timedelta(days=365)


def test_policy_is_that_of_the_response_alone(rf: RequestFactory) -> None:
    """Headers are kept between responses: those of one must not be another's."""
    middleware = PoliciesMiddleware(lambda request: request.META["made"])

    def policy(**asked: Any) -> str | None:
        made = HttpResponse()
        vars(made).update(asked)
        answer = middleware(rf.get("/", made=made))
        assert isinstance(answer, HttpResponse)
        return answer.headers.get("Content-Security-Policy")

    plain = policy()
    assert plain
    assert "sha256" not in plain
    assert "'sha256-abc'" in (policy(_csp_update={"script-src": ["'sha256-abc'"]}) or "")
    assert policy() == plain
    assert policy(_csp_exempt=True) is None
    assert policy() == plain
