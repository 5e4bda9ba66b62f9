"""Sign-in with Google: there with its two variables, and no way round what else guards accounts."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from django.test import Client
from playwright.sync_api import Browser

from tests.mail_server import MailServer, link_in
from tests.stack import ADMIN, ROOT, Api

from .conftest import PASSWORD
from .google import Site, somebody

pytestmark = pytest.mark.slow


@pytest.mark.slow
def test_nothing_of_it_is_there_without_its_variables(client: Client, db: None) -> None:
    assert client.get("/api/v1/auth/session/").json()["google_url"] is None
    assert client.post("/accounts/google/login/").status_code == 404
    assert client.get("/accounts/google/login/callback/").status_code == 404
    assert "google" not in client.get("/health/live")["Content-Security-Policy"]


def test_one_variable_alone_is_a_mistake_that_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=os.environ | {"GOOGLE_CLIENT_ID": "x"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Set both GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET" in done.stderr


@pytest.mark.parametrize(
    ("who", "sentence"),
    [("google", "API_DOCS_FOR=google needs GOOGLE_CLIENT_ID"), ("all", "API_DOCS_FOR is “all”")],
)
def test_readers_of_the_documentation_that_cannot_be_are_named(who: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=os.environ | {"API_DOCS_FOR": who}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert sentence in done.stderr


@pytest.mark.slow
def test_stranger_gets_an_account_and_comes_back_to_it(site: Site) -> None:
    site.google.person = somebody("Google.New")
    with site.browser() as first, site.browser() as second:
        assert first.get("/api/v1/auth/session/").json()["google_url"] == "/accounts/google/login/"
        assert site.sign_in(first, next="/files") == "/files"
        user = first.get("/api/v1/auth/user/").json()
        assert (user["email"], user["name"]) == ("google.new@example.org", "Grace Hopper")
        site.google.person = somebody("Google.New") | {"email": "moved@example.org"}
        assert site.sign_in(second) == "/"
        assert second.get("/api/v1/auth/user/").json()["id"] == user["id"]


@pytest.mark.slow
def test_first_sign_ins_at_the_same_time_make_one_account(site: Site) -> None:
    email = "google.crowd@example.org"
    site.google.person = somebody("google.crowd")
    with ExitStack() as open_ones, ThreadPoolExecutor(7) as crowd:
        browsers = [open_ones.enter_context(site.browser()) for _ in range(6)]
        backs = [site.consent(browser) for browser in browsers]
        form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
        beside = crowd.submit(httpx.post, f"{site.url}/api/v1/auth/registration/", json=form)
        answers = list(crowd.map(lambda browser, back: browser.get(back), browsers, backs))
        assert [(a.status_code, a.headers["Location"]) for a in answers] == [(302, "/")] * 6
        assert {site.who(browser) for browser in browsers} == {email}
        assert beside.result().status_code == 201


@pytest.mark.slow
def test_who_came_by_google_alone_gets_a_password_by_mail(
    site: Site, mail_server: MailServer
) -> None:
    email = "google.only@example.org"
    site.google.person = somebody("google.only")
    with site.browser() as browser:
        assert site.sign_in(browser) == "/"
        browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"]

        def call(path: str, **data: str) -> httpx.Response:
            return browser.post(f"/api/v1/auth/{path}/", json=data)

        assert browser.get("/api/v1/auth/user/").json()["has_password"] is False
        refused = call("user/delete", password=PASSWORD).json()["errors"][0]
        assert (refused["field"], refused["code"]) == ("password", "no_password")
        assert call("password/reset", email=email).status_code == 200
        _, _, uid, token = link_in(mail_server.wait(email)).split("/")
        passwords = {"new_password1": PASSWORD, "new_password2": PASSWORD}
        assert call("password/reset/confirm", uid=uid, token=token, **passwords).is_success
        assert site.who(browser) is None
        assert call("login", email=email, password=PASSWORD).is_success
        assert browser.get("/api/v1/auth/user/").json()["has_password"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("person", "why"),
    [(None, "google-cancelled"), (somebody("unproved", verified=False), "google-unverified"),
     (somebody("x") | {"aud": "another-client"}, "google"),
     (somebody("x") | {"iss": "https://evil.example"}, "google"),
     (somebody("x") | {"exp": 1}, "google")],
)  # fmt: skip
def test_what_does_not_work_leads_back_with_a_reason(
    site: Site, person: dict[str, Any] | None, why: str
) -> None:
    site.google.person = person
    with site.browser() as browser:
        assert site.sign_in(browser) == f"/login?why={why}"
        assert site.who(browser) is None


@pytest.mark.slow
def test_callback_takes_nothing_that_was_not_asked_for(site: Site) -> None:
    with site.browser() as browser:
        for query in ("", "?code=x", "?code=x&state=y", "?error=access_denied&state=y"):
            answer = browser.get(f"/accounts/google/login/callback/{query}")
            assert (answer.status_code, answer.headers["Location"][:10]) == (302, "/login?why"), (
                query
            )
        assert site.who(browser) is None


@pytest.mark.slow
def test_sign_in_leads_nowhere_else_and_starts_with_our_form_only(site: Site) -> None:
    site.google.person = somebody("google.next")
    with site.browser() as browser:
        assert site.sign_in(browser, next="https://evil.example/") == "/"
        assert browser.get("/accounts/google/login/").status_code == 405
        assert browser.post("/accounts/google/login/").status_code == 403
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "process": "connect"}
        answer = browser.post("/accounts/google/login/", data=form)
        assert answer.headers["Location"] == "/login"


@pytest.mark.slow
def test_who_registered_with_an_address_of_somebody_else_loses_it_to_the_owner(
    site: Site,
) -> None:
    email = "squatted@example.org"
    with site.browser() as squatter, site.browser() as owner:
        form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
        assert squatter.post("/api/v1/auth/registration/", json=form).status_code == 201
        site.google.person = somebody("squatted")
        assert site.sign_in(owner) == "/"
        assert site.who(owner) == email
        login = {"email": email, "password": PASSWORD}
        assert squatter.post("/api/v1/auth/login/", json=login).status_code == 400


@pytest.mark.slow
def test_the_documentation_is_for_who_came_by_google_of_the_domains_named(site: Site) -> None:
    paths = ("/api/v1/docs/", "/api/v1/schema/")

    def status(browser: httpx.Client) -> set[int]:
        return {browser.get(path).status_code for path in paths}

    def is_led_there(browser: httpx.Client) -> bool:
        links = browser.get("/api/v1/auth/session/").json()["links"]
        return "api_docs" in {link["name"] for link in links}

    with site.browser() as browser, Api(site.url) as script:
        answer = browser.get("/api/v1/docs/")
        assert answer.headers["Location"] == "/login?next=/api/v1/docs"
        assert browser.post("/api/v1/auth/login/", json=ADMIN).is_success
        assert status(browser) == {403}
        assert "Sign in with Google" in browser.get(paths[0]).text
        assert not is_led_there(browser)
        script.sign_in(**ADMIN)
        assert script.get("schema/").status_code == 403
    for email, code in (("reader@example.org", 200), ("reader@evil-example.org", 403)):
        site.google.person = somebody(email) | {"email": email}
        with site.browser() as browser:
            assert site.sign_in(browser, next=paths[0]).startswith(str(code))
            assert status(browser) == {code}
            assert is_led_there(browser) is (code == 200)


@pytest.mark.slow
def test_account_with_a_password_keeps_it(site: Site) -> None:
    site.google.person = somebody("admin") | {"email": ADMIN["email"]}
    with site.browser() as browser:
        assert site.sign_in(browser) == "/"
        assert site.who(browser) == ADMIN["email"]
    with Api(site.url) as script:
        script.sign_in(**ADMIN)


@pytest.mark.slow
def test_button_of_the_page_and_its_policy_let_people_go_there_and_back(
    chromium: Browser, site: Site
) -> None:
    from playwright.sync_api import expect

    site.google.person = somebody("google-button")
    context = chromium.new_context(base_url=site.url)
    page = context.new_page()
    page.goto("/login?next=/account")
    page.get_by_role("button", name="Continue with Google").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    context.close()
