"""Event streams as scripts and pages meet them: over HTTP, read by a client that is not ours."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from django.test import Client

from tests.stack import ADMIN, Api, Stack, wait_for

from .reading import reading

pytestmark = pytest.mark.slow
OTHER = {"email": "other@example.org", "password": "correct horse battery staple"}


@pytest.fixture(scope="module")
def token(api: Api) -> dict[str, str]:
    return {"Authorization": api.headers["Authorization"]}


@pytest.fixture(scope="module")
def other(stack: Stack) -> Iterator[Api]:
    """Somebody else."""
    code = (
        "from allauth.account.models import EmailAddress;"
        "from backend_django.users.models import User;"
        f"user = User.objects.create_user({OTHER['email']!r}, {OTHER['password']!r});"
        "EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)"
    )
    stack.manage("shell", "-c", code)
    with stack.client(**OTHER) as client:
        yield client


@contextmanager
def signed_in(stack: Stack, who: dict[str, str] = ADMIN) -> Iterator[httpx.Client]:
    """A browser's session."""
    with httpx.Client(base_url=f"{stack.url}/api/v1/") as browser:
        browser.get("auth/session/")
        browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"]
        assert browser.post("auth/login/", json={**who, "token": False}).is_success
        browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"]
        yield browser


def cookies_of(browser: httpx.Client) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}


def test_a_life_is_told_as_the_api_has_it(stack: Stack, api: Api, token: dict[str, str]) -> None:
    with reading(stack.url, token) as stream:
        made = api.create("wordcount", b"SLEEP 2.5", "slow.txt")
        stream.wait(
            lambda r: [e for e in r.of_request(made["id"]) if e["status"] == "completed"],
            what="no end",
        )
        told = stream.of_request(made["id"])
    ranks = {"pending": 0, "processing": 1, "completed": 2}
    order = [(ranks[each["status"]], each["progress"]) for each in told]
    assert order == sorted(order)  # never back
    assert "processing" in {each["status"] for each in told}
    assert any(each["step"] == "count" for each in told)  # progress, while it ran
    assert {each["kind"] for each in told} == {"wordcount"}
    now = api.status("wordcount", made["id"])
    assert told[-1] == now | {"kind": "wordcount"}


def test_what_is_deleted_is_told(stack: Stack, api: Api, token: dict[str, str]) -> None:
    made = api.create("wordcount", b"one")
    api.wait("wordcount", made["id"])
    with reading(stack.url, token) as stream:
        assert api.delete(f"wordcount/delete/{made['id']}/").status_code == 204
        stream.wait(lambda r: {"id": made["id"]} in r.named("request.deleted"))


def test_what_an_upload_uses_is_told(stack: Stack, api: Api, token: dict[str, str]) -> None:
    with reading(stack.url, token) as stream:
        api.create("wordcount", b"some words")
        told = stream.wait(lambda r: r.named("usage.changed"))
        used = api.get("usage/").json()["uploaded_bytes"]
        stream.wait(lambda r: r.named("usage.changed")[-1]["uploaded_bytes"] == used, what=told)


def test_nothing_of_another_person_is_told(
    stack: Stack, api: Api, other: Api, token: dict[str, str]
) -> None:
    own = {"Authorization": other.headers["Authorization"]}
    with reading(stack.url, token) as mine, reading(stack.url, own) as theirs:
        made = api.create("wordcount", b"mine")
        seen = other.create("wordcount", b"theirs")
        mine.wait(lambda r: r.of_request(made["id"]))
        theirs.wait(lambda r: [e for e in r.of_request(seen["id"]) if e["status"] == "completed"])
        mine.wait(lambda r: [e for e in r.of_request(made["id"]) if e["status"] == "completed"])
        assert not theirs.of_request(made["id"])
        assert not mine.of_request(seen["id"])


def test_what_was_missed_is_told_again(stack: Stack, api: Api, token: dict[str, str]) -> None:
    first = api.create("wordcount", b"before")
    api.wait("wordcount", first["id"])
    with reading(stack.url, token) as stream:
        known = stream.wait(lambda r: r.last_id)
    second = api.create("wordcount", b"meanwhile")
    api.wait("wordcount", second["id"])
    with reading(stack.url, token, last_event_id=known) as again:
        again.wait(lambda r: r.of_request(second["id"]))
        assert again.of_request(second["id"])[-1]["status"] == "completed"
        assert not again.of_request(first["id"])
        assert not again.named("stream.reset")


@pytest.mark.parametrize("unknown", ["0-0", "1-1", "99999999999999-0", "%C3%A9", "x" * 500])
def test_whoever_missed_too_much_is_told_so(
    stack: Stack, api: Api, token: dict[str, str], unknown: str
) -> None:
    api.create("wordcount", b"one")
    with reading(stack.url, token, last_event_id=unknown) as stream:
        assert stream.named("stream.reset") == [{"reason": "missed"}]


def test_the_address_of_the_specification_is_there(stack: Stack, token: dict[str, str]) -> None:
    with reading(stack.url, token, path="/events/") as stream:
        assert stream.named("stream.state")[0] == {"live": True}
        assert stream.events[0].retry or stream.retry


def test_who_is_not_signed_in_is_told_so(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}/api/v1/events/", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_session_that_ends_ends_its_stream(stack: Stack) -> None:
    with signed_in(stack) as browser, reading(stack.url, cookies_of(browser)) as stream:
        assert not stream.ended.is_set()
        assert browser.post("auth/logout/").is_success
        assert stream.ended.wait(5)


def test_an_account_that_is_deactivated_is_told_nothing_more(stack: Stack, other: Api) -> None:
    own = {"Authorization": other.headers["Authorization"]}
    with reading(stack.url, own) as stream:
        code = (
            "from backend_django.users.models import User;"
            f"User.objects.filter(email={OTHER['email']!r}).update(is_active=%s)"
        )
        stack.manage("shell", "-c", code % False)
        assert stream.ended.wait(5)
        stack.manage("shell", "-c", code % True)


def test_a_changed_password_ends_the_streams_of_other_sessions(stack: Stack, other: Api) -> None:
    with signed_in(stack, OTHER) as browser, reading(stack.url, cookies_of(browser)) as stream:
        code = (
            "from backend_django.users.models import User;"
            f"user = User.objects.get(email={OTHER['email']!r});"
            f"user.set_password({OTHER['password']!r}); user.save()"
        )
        stack.manage("shell", "-c", code)
        assert stream.ended.wait(5)


def test_a_token_that_is_revoked_ends_its_stream(stack: Stack, other: Api) -> None:
    with (
        stack.client(**OTHER) as script,
        reading(stack.url, {"Authorization": script.headers["Authorization"]}) as stream,
    ):
        newest = script.get("auth/tokens/").json()["results"][0]["id"]
        assert script.delete(f"auth/tokens/{newest}/").is_success
        assert stream.ended.wait(5)


def test_many_changes_at_once_are_one_reset(stack: Stack, api: Api, token: dict[str, str]) -> None:
    """Who would be told of hundreds reads the list anew instead."""
    code = (
        "from uuid import uuid4; from backend_django.live.publish import publish;"
        "from backend_django.users.models import User;"
        f"user = User.objects.get(email={ADMIN['email']!r});"
        "ids = [uuid4() for _ in range(500)];"
        "publish(user_ids=[user.pk], topic='request', ids=ids)"
    )
    with reading(stack.url, token) as stream:
        stack.manage("shell", "-c", code)
        stream.wait(lambda r: r.named("stream.reset"))
        assert not stream.named("request.deleted")


def test_who_missed_what_cannot_be_described_reads_everything_anew(
    stack: Stack, token: dict[str, str]
) -> None:
    code = (
        "from backend_django.live.publish import publish;"
        "from backend_django.users.models import User;"
        f"user = User.objects.get(email={ADMIN['email']!r});"
        "publish(user_ids=[user.pk], topic=%r, ids=[%r])"
    )
    with reading(stack.url, token) as stream:
        stack.manage("shell", "-c", code % ("usage", ""))
        known = stream.wait(lambda r: r.named("usage.changed") and r.last_id)
    stack.manage("shell", "-c", code % ("request", "no id"))
    with reading(stack.url, token, last_event_id=known) as stream:
        assert stream.named("stream.reset") == [{"reason": "missed"}]
        assert not stream.ended.is_set()


def test_a_stopping_server_ends_its_streams(stack: Stack, token: dict[str, str]) -> None:
    from tests.server.conftest import Server

    server = Server(stack, WEB_GRACEFUL_SECONDS="20")
    try:
        with reading(server.url, token) as stream:
            stack.processes[server.name].terminate()
            assert stream.ended.wait(5)
            wait_for(lambda: stack.processes[server.name].poll() is not None, seconds=6)
    finally:
        server.stop()


def test_without_streams_there_are_none(stack: Stack, api: Api, token: dict[str, str]) -> None:
    from tests.server.conftest import Server

    server = Server(stack, LIVE_EVENTS="false")
    try:
        answer = httpx.get(f"{server.url}/api/v1/events/", headers=token)
        assert answer.status_code == 404
        assert "Ask for" in answer.json()["detail"]
    finally:
        server.stop()


def test_the_schema_names_every_event(api: Api) -> None:
    document: dict[str, Any] = api.get("schema/").json()
    of_stream = document["paths"]["/events/"]["get"]["responses"]["200"]["content"]
    found = json.dumps([of_stream, document["components"]["schemas"]["StreamEvent"]])
    for name in ("AnyKindRequest", "DeletedRequest", "StreamState", "StreamReset", "Usage"):
        assert f"#/components/schemas/{name}" in found


@pytest.mark.matrix
def test_a_client_that_takes_nothing_is_dropped_and_replayed(
    stack: Stack, token: dict[str, str]
) -> None:
    """It costs a few frames of memory, and it misses nothing."""
    from tests.server.conftest import Server

    server = Server(stack)  # patient for four seconds
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            head = "GET /api/v1/events/ HTTP/1.1\r\nHost: localhost\r\n"
            slow.sendall(f"{head}Authorization: {token['Authorization']}\r\n\r\n".encode())
            wait_for(lambda: b"stream.state" in slow.recv(4096, socket.MSG_PEEK))
            with reading(server.url, token) as quick:
                known = quick.wait(lambda r: r.last_id)
                ring(stack, times=400)
                quick.wait(lambda r: len(r.named("usage.changed")) > 50, seconds=40)
                slow.settimeout(40)
                taken = b"".join(iter(lambda: slow.recv(65536), b""))
        assert 0 < taken.count(b"usage.changed") < len(quick.named("usage.changed"))
        with reading(server.url, token, last_event_id=known) as again:
            again.wait(lambda r: r.named("usage.changed") or r.named("stream.reset"))
    finally:
        server.stop()


def ring(stack: Stack, *, times: int) -> None:
    code = (
        "import time; from backend_django.live.publish import publish;"
        "from backend_django.users.models import User;"
        f"user = User.objects.get(email={ADMIN['email']!r});"
        "tell = lambda: (publish(user_ids=[user.pk], topic='usage'), time.sleep(0.04));"
        f"[tell() for _ in range({times})]"
    )
    stack.manage("shell", "-c", code)


@pytest.mark.django_db(transaction=True)
def test_any_other_server_keeps_a_thread_for_it(client: Client, user: Any) -> None:
    """That of `make dev`, for instance, which knows nothing of event loops."""
    client.force_login(user)
    response: Any = client.get("/api/v1/events/")
    frames = iter(response.streaming_content)
    told = next(frames) + next(frames)
    response.close()
    assert told.startswith(b"retry: ")
    assert b"event: stream.state\ndata: {" in told
