"""A receiver of webhooks: a real HTTP server, which behaves as it is told."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from backend_django.notifications.deliveries import delivery_send
from backend_django.notifications.models import Webhook, WebhookDelivery
from backend_django.notifications.services import webhook_create
from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User

Hook = Callable[..., tuple[Webhook, str]]
ALL = [str(event) for event in Webhook.Event]


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """`/<status>` responds with it; `/hang` never does; `/slow` late; `/long` says 10 MB."""

    server: "Receiver"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(Call(self.path, dict(self.headers), body))
        behaviour = self.server.behaviour or self.path.strip("/")
        if behaviour == "hang":
            self.server.is_over.wait()
            return
        if behaviour == "slow":
            self.server.is_over.wait(0.3)
        self.send_response(200 if behaviour in {"long", "slow"} else int(behaviour))
        self.send_header("Location", f"http://localhost:{self.server.server_port}/secret")
        self.send_header("Content-Length", str(10_000_000 if behaviour == "long" else 5))
        self.end_headers()
        with contextlib.suppress(OSError):
            if behaviour == "long":
                for _ in range(100):
                    self.wfile.write(b"x" * 100_000)
                    self.server.sent += 100_000
            else:
                self.wfile.write(b"hello")

    def do_GET(self) -> None:
        self.server.calls.append(Call(self.path, dict(self.headers), b""))

    def log_message(self, *_: object) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    """Remembers who called; `behaviour` goes before what a path says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[Call] = []
        self.behaviour = ""
        self.sent = 0
        self.is_over = Event()

    def url(self, path: str = "200", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}/{path}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.is_over.set()
        server.shutdown()


@pytest.fixture
def hook(user: User, receiver: Receiver) -> Hook:
    """Create a webhook of the user's, to a path of the receiver."""

    def create(path: str = "200", events: list[str] = ALL) -> tuple[Webhook, str]:
        return webhook_create(owner=user, url=receiver.url(path), events=events)

    return create


@pytest.fixture
def visitor(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def make(owner: User, kind: str = "wordcount", **fields: Any) -> ProcessingRequest:
    fields = {"name": "dunes", "input_name": "dunes.txt"} | fields
    return ProcessingRequest.objects.create(
        owner=owner, kind=kind, input_file="x", input_size=1, **fields
    )


def end(owner: User, status: str = "completed", **fields: Any) -> ProcessingRequest:
    """Bring a request to an end, as a worker does."""
    request = lifecycle.claim(make(owner, **fields).id)
    assert request
    if status == "completed":
        assert lifecycle.complete(request.id, 1, data={"words": 1, "attempt": 1}, files={})
    elif status == "failed":
        assert lifecycle.fail(request.id, 1, code="not_text", message="This is not text.")
    else:
        ProcessingRequest.objects.filter(id=request.id).update(cancel_requested=True)
        assert lifecycle.confirm_cancel(request.id, 1)
    request.refresh_from_db()
    return request


def make_due() -> None:
    """Let the time come for everything that waits for another attempt."""
    WebhookDelivery.objects.update(next_attempt_at=timezone.now())
    Webhook.objects.update(away_until=None)


def send_all() -> list[WebhookDelivery]:
    """Do what the worker does with everything that is due; return all deliveries, oldest first."""
    for delivery in WebhookDelivery.objects.order_by("created_at", "id"):
        delivery_send(delivery_id=delivery.id)
    return list(WebhookDelivery.objects.order_by("created_at", "id"))
