"""No line of a log has what opens something: not ours, not gunicorn's, not the proxy's."""

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import signing

from backend_django.users.models import User
from backend_django.utils import logs
from backend_django.utils.logs import JsonFormatter, redact, redact_output
from tests.mail_server import MailServer, link_in
from tests.stack import ROOT, Stack, migrated_database, wait_for

NGINX = ROOT / "docker" / "production" / "nginx" / "nginx.conf"
SHARED = f"{secrets.token_urlsafe(24)}~{secrets.token_urlsafe(32)}"
IDENTIFIER = str(uuid4())


def random_secrets() -> list[str]:
    """Many of each kind, as each has another look."""
    user = User(pk=7, email="ada@example.org", password="x")
    made = []
    for _ in range(200):
        made += [
            secrets.token_urlsafe(32),
            f"{secrets.token_urlsafe(24)}~{secrets.token_urlsafe(32)}",
            default_token_generator.make_token(user),
            signing.dumps(uuid4().hex, salt="x"),
        ]
    return made


def masked_by_nginx(path: str) -> str:
    """Do what the proxy's `map` does with a path."""
    rule = re.search(r'map \$uri \$logged_uri \{.*?"~(.+?)" "\$before\[secret\]\$after";',
                     NGINX.read_text(encoding="utf-8"), re.DOTALL)  # fmt: skip
    assert rule
    found = re.search(rule[1], path)
    return f"{found['before']}[secret]{found['after']}" if found else path


@pytest.mark.parametrize("mask", [redact, masked_by_nginx])
def test_secrets_in_paths_are_masked_and_nothing_else(mask: Callable[[str], str]) -> None:
    for secret in random_secrets():
        for path in ("/shared/{}", "/api/v1/things/shared/{}/download/", "/reset/7/{}/"):
            assert mask(path.format(secret)) == path.format("[secret]")
    for path in (
        f"/api/v1/wordcount/status/{IDENTIFIER}/",
        f"/requests/{IDENTIFIER}/1/report.txt",
        "/static/vue/assets/index-4rdntSvoAbCdEfGh12.js",
        "/api/v1/auth/registration/verify-email/",
        "/api/v1/auth/password/reset/confirm/",
        "/api/v1/a_feature_of_a_very_long_name/create/",
    ):
        assert mask(path) == path


@pytest.mark.parametrize(
    "said",
    [
        'GET "https://files.example.org/x?token={}" 200',
        '{{"next": "https://example.org/?code={}", "page": 2}}',
        'refused: "https://ada:{}@files.example.org/"',
        'x?key={}\\"',
    ],
)
def test_line_without_its_secret_is_json_still(said: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, said.format("s3cr3t"), (), None)
    record.audit = {"target": said.format("s3cr3t")}
    line = json.loads(JsonFormatter().format(record))
    for text in (line["message"], line["audit"]["target"]):
        assert "[secret]" in text
        assert "s3cr3t" not in text


def test_secrets_are_masked_at_any_depth() -> None:
    audit = {"targets": ["https://ada:s3cr3t@files.example.org/", 7]}
    record = logging.makeLogRecord({"msg": "", "audit": audit})
    line = json.loads(JsonFormatter().format(record))
    assert line["audit"]["targets"][1] == 7
    assert "s3cr3t" not in line["audit"]["targets"][0]


def test_the_proxy_logs_no_other_form_of_the_address() -> None:
    text = NGINX.read_text(encoding="utf-8")
    (form,) = re.findall(r"log_format json.*?;\n", text, re.DOTALL)
    logged = set(re.findall(r"\$(\w+)", form))
    assert "logged_uri" in logged
    assert not logged & {"uri", "request", "request_uri", "args", "query_string", "http_referer"}
    assert "error_log stderr crit;" in text, "its lines have the whole address"


@pytest.mark.parametrize(
    "line",
    [
        f'"GET /verify-email/{SHARED} HTTP/1.1" 200 "http://example.org/shared/{SHARED}" "Firefox"',
        f"Forbidden: /api/v1/things/shared/{SHARED}/download/",
        f"GET /accounts/google/login/callback/?state={SHARED}&code={SHARED} HTTP/1.1",
        f"GET http://h/app-files/x?X-Amz-Signature={SHARED}&X-Amz-Credential={SHARED}",
        f"failed: HTTPError('no answer from http://h/shared/{SHARED}')",
    ],
)
def test_wherever_it_stands_in_a_line(line: str) -> None:
    assert SHARED not in redact(line)
    assert redact(line).count("[secret]") == line.count(SHARED)


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter22",
        "login failed for ada, Password: hunter22, again",
        '{"api_key": "hunter22", "site": "north"}',
        "{'client_secret': 'hunter22'}",
        'said {\\"access_token\\": \\"hunter22\\"}',
        "Authorization: Bearer hunter22",
        "sent with bearer abc.hunter22",
        "eyJhbGciOiJub25lIn0.hunter22.hunter22",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter22\nhunter22",
        "postgres://app:hunter22@db/app",
        "it is m4dE-up:of any/shape",  # the value of a variable
        "connects as app with s0me p4ss",  # the password of an address
    ],
)
def test_what_jobs_print_has_no_secret(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", "m4dE-up:of any/shape")
    monkeypatch.setenv("OTHER_URL", "ftp://app:s0me-p4ss@files.example.org/")
    logs._own_secrets.cache_clear()
    shown = redact_output(line.replace("s0me p4ss", "s0me-p4ss"))
    logs._own_secrets.cache_clear()
    assert "[secret]" in shown
    for secret in ("hunter22", "m4dE-up", "s0me-p4ss"):
        assert secret not in shown


@pytest.mark.parametrize(
    "line",
    [
        "INFO wordcount counted 3 tokens of key north",
        "request 6f1b3c1e-6f0e-4d59-9a53-0a3d1f6ce9b2: 12 of 40 tiles, zoom=7, keys: 3",
        "sha256 0c3d6f9cbdd7a5f2f0b1c8f6d1b5a0f7c3e9d8b7a6f5e4d3c2b1a09f8e7d6c5b",
        "KeyError: 'site'",
    ],
)
def test_what_jobs_print_stays_readable(line: str) -> None:
    assert redact_output(line) == line


@pytest.fixture
def talkative(tmp_path: Path) -> Iterator[Stack]:
    """A product that logs each request."""
    made = Stack(
        tmp_path / "stack",
        migrated_database(f"logs_{uuid4().hex[:8]}"),
        WEB_ACCESS_LOG="1",
        METRICS_TOKEN="metrics-" + SHARED,
    )
    with made.running():
        yield made


@pytest.mark.matrix
@pytest.mark.slow
def test_no_secret_of_a_whole_session_is_in_any_log(talkative: Stack) -> None:
    email, first, second = "ada@example.org", secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    made = [first, second, SHARED]
    mails = MailServer(talkative.mail_port)
    mails.start()
    try:
        with httpx.Client(base_url=talkative.url) as browser:

            def call(path: str, **data: str) -> httpx.Response:
                headers = {"x-csrftoken": browser.cookies.get("csrftoken") or ""}
                return browser.post(f"/api/v1/auth/{path}/", json=data, headers=headers)

            def visit(path: str) -> None:
                """As a person, as a program that may not, and as one whose path is wrong."""
                browser.get(path, headers={"referer": talkative.url + path})
                browser.post(path)
                browser.get(f"/api/v1{path}")
                browser.get(f"/accounts{path}?next={path}")

            call("registration", email=email, password1=first, password2=first)
            link = link_in(mails.wait(email))
            made.append(link.split("/")[-1])
            visit(link)
            assert call("registration/verify-email", key=made[-1]).status_code == 200
            call("login", email=email, password=first[:-1])
            answer = call("login", email=email, password=first)
            made.append(answer.json()["key"])
            key = call("tokens", name="x").json()["key"]
            made.append(key)
            assert browser.get(
                "/api/v1/auth/user/", headers={"authorization": f"Token {key}"}
            ).is_success
            browser.get("/metrics", headers={"authorization": f"Bearer metrics-{SHARED}"})
            browser.get("/api/v1/auth/user/", headers={"authorization": f"Bearer {SHARED}"})
            browser.get(f"/api/v1/auth/user/?token={SHARED}")
            call("password/reset", email=email)
            link = link_in(mails.wait(email, 2))
            made.append(link.split("/")[-1])
            visit(link)
            visit(f"/shared/{SHARED}")
            _, _, uid, token = link.split("/")
            passwords = {"new_password1": second, "new_password2": second}
            assert call("password/reset/confirm", uid=uid, token=token, **passwords).is_success
            call("password/reset/confirm", uid=uid, token=token, **passwords)
            call("login", email=email, password=second)
            made += [value for name, value in browser.cookies.items() if value]
            call("logout")
        wait_for(lambda: "logout" in talkative.log("web").read_text(), what="the last line")
    finally:
        mails.stop()
    text = "\n".join(path.read_text(encoding="utf-8") for path in talkative.logs())
    assert text.count("[secret]") > 10, "each visit was logged"
    assert [secret for secret in made if secret in text] == []
    assert email in text, "who it was is no secret"
