"""Links that are sent to others begin with our own URL, whatever the caller says it is."""

from typing import Any

import pytest
from django.test import Client, RequestFactory

from backend_django.mail.models import Mail
from backend_django.users.models import User
from backend_django.utils.site import site_url

RESET = "/api/v1/auth/password/reset/"


@pytest.mark.parametrize(
    "host", ["testserver", "testserver:31337", "TESTSERVER:1", "testserver.", "testserver.:80"]
)
def test_port_and_spelling_of_a_caller_are_in_no_email(
    client: Client, user: User, host: str
) -> None:
    answer = client.post(RESET, {"email": user.email}, "application/json", headers={"host": host})
    assert answer.status_code == 200
    assert Mail.objects.get().content["origin"] == "http://testserver"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),  # make run
        ("127.0.0.1:5001", "http://127.0.0.1"),
        ("localhost", "http://localhost"),
        ("[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_the_server_s_own_port_stays(settings: Any, host: str, url: str) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
    request = RequestFactory().get("/", HTTP_HOST=host, SERVER_PORT="5000")
    assert site_url(request) == url


def test_a_proxy_that_ends_tls(settings: Any) -> None:
    request = RequestFactory().get("/", HTTP_HOST="testserver", HTTP_X_FORWARDED_PROTO="https")
    assert site_url(request) == "https://testserver"


def test_the_setting_wins(settings: Any) -> None:
    settings.SITE_URL = "https://www.example.org:8443"
    assert site_url(RequestFactory().get("/")) == "https://www.example.org:8443"


@pytest.mark.parametrize(
    ("hosts", "is_secure", "url"),
    [
        (["www.example.org", "example.org"], True, "https://www.example.org"),
        ([".example.org", "*", "127.0.0.1"], False, "http://127.0.0.1"),
        (["*"], True, "https://localhost"),
    ],
)
def test_without_a_request_it_is_the_first_name_of_ours(
    settings: Any, hosts: list[str], is_secure: bool, url: str
) -> None:
    settings.ALLOWED_HOSTS, settings.SESSION_COOKIE_SECURE = hosts, is_secure
    assert site_url() == url
    settings.SITE_URL = "https://www.example.org:8443"
    assert site_url() == "https://www.example.org:8443"
