"""A webhook is a URL of a user's: it leads to public addresses only, whatever it says."""

import socket
from typing import Any

import pytest
from urllib3.util import connection

from backend_django.notifications.deliveries import request_links
from backend_django.notifications.models import Webhook, WebhookDelivery
from backend_django.notifications.services import webhook_create, webhook_update
from backend_django.users.models import User
from backend_django.utils.errors import Invalid
from backend_django.utils.site import site_url

from .conftest import ALL, Receiver, end, make_due, send_all

pytestmark = pytest.mark.django_db(transaction=True)
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.org/", "begins with https"),
        ("ftp://example.org/", "begins with https"),
        ("example.org", "valid URL"),
        ("https://user:secret@example.org/", "user name"),
        ("https://127.0.0.2/", "not a public address"),
        ("https://localhost/", "not a public address"),
        ("https://[::1]/", "not a public address"),
        ("https://169.254.169.254/latest/meta-data/", "not a public address"),
        ("https://10.0.0.5:8443/", "not a public address"),
        ("https://example.org:99999/", "valid URL"),
        ("https://[::1/", "valid URL"),
        ("https:///path", "valid URL"),
    ],
)
def test_what_can_never_be_called_is_refused_at_once(user: User, url: str, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        webhook_create(owner=user, url=url, events=ALL)
    assert why in (refused.value.fields or {})["url"]
    webhook, _ = webhook_create(owner=user, url="https://example.org/", events=ALL)
    with pytest.raises(Invalid):
        webhook_update(webhook=webhook, url=url)


def test_name_that_leads_into_the_own_network_is_not_called(
    user: User, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.server_port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    url = f"https://inside.example:{receiver.server_port}/200"
    webhook_create(owner=user, url=url, events=ALL)
    end(user)
    [delivery] = send_all()
    assert (delivery.outcome, delivery.status_code) == ("", None)
    assert "not a public address" in delivery.error
    assert receiver.calls == []


def test_name_that_resolves_differently_the_second_time_gains_nothing(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, connected = [PUBLIC, "127.0.0.1", "127.0.0.1"], []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        found = answers.pop(0) if host == "rebind.example" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> None:
        connected.append(address[0])
        raise OSError("there is no internet in this test")

    webhook_create(owner=user, url="https://rebind.example/", events=ALL)
    end(user)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(connection, "create_connection", connect)
    [delivery] = send_all()
    assert "did not respond" in delivery.error
    make_due()
    [delivery] = send_all()
    assert "not a public address" in delivery.error
    assert connected == [PUBLIC]


def test_redirect_into_the_own_network_is_not_followed(user: User, receiver: Receiver) -> None:
    for code in (301, 302, 307, 308):
        webhook_create(owner=user, url=receiver.url(str(code)), events=ALL)
    end(user)
    assert {delivery.status_code for delivery in send_all()} == {301, 302, 307, 308}
    assert all(call.path != "/secret" for call in receiver.calls)
    assert Webhook.objects.filter(failing_since__isnull=False).count() == 4
    assert not WebhookDelivery.objects.exclude(outcome="").exists()


def test_links_of_a_kind_below_another_one() -> None:
    links = request_links("digest", "0e0e0e0e-0000-4000-8000-000000000000")
    paths = {name: url.removeprefix(site_url()) for name, url in links.items()}
    assert paths == {
        "page": "/requests/0e0e0e0e-0000-4000-8000-000000000000",
        "status": "/api/v1/wordcount/digest/status/0e0e0e0e-0000-4000-8000-000000000000/",
        "results": "/api/v1/wordcount/digest/results/0e0e0e0e-0000-4000-8000-000000000000/",
    }
