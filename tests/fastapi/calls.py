"""Call the ASGI application in this process, with the cookies of a client of Django's tests."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import Client

from backend_fastapi import threads
from backend_fastapi.app import application


class Answer(HttpResponse):
    """What was answered, as Django's test client has it."""

    exc_info = None  # what fails here is a response, as over the network

    def json(self) -> Any:
        return self.lines() if "ndjson" in self["Content-Type"] else json.loads(self.content)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.content.splitlines()]


def call(
    client: Client | None,
    method: str,
    path: str,
    data: Any = None,
    *,
    content: bytes = b"",
    headers: dict[str, str] | None = None,
    page: bool = False,
) -> Answer:
    """Make a call in this thread, so that it sees what a test has not committed.

    Args:
        page: send what our page does beside its session.
    """
    body = content or (b"" if data is None else json.dumps(data).encode())
    named = {"Host": "testserver"} | ({"Content-Type": "application/json"} if body else {})
    if body:
        named["Content-Length"] = str(len(body))
    cookies = {n: m.value for n, m in client.cookies.items()} if client else {}
    if page:
        cookies[settings.CSRF_COOKIE_NAME] = named["X-CSRFToken"] = "a" * 32
    if cookies:
        named["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    target = urlsplit(path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": "http",
        "path": target.path,
        "raw_path": target.path.encode(),
        "query_string": target.query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode())
            for name, value in (named | (headers or {})).items()
        ],
        "client": ("127.0.0.1", 40_000),
        "server": ("127.0.0.1", 8080),
    }
    sent: list[MutableMapping[str, Any]] = []

    async def run() -> None:
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await asyncio.Event().wait()  # the client stays
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await application(scope, receive, send)

    closing = (request_started, request_finished)
    before, threads.one_thread = threads.one_thread, True
    for signal in closing:  # as Django's own test client does
        signal.disconnect(close_old_connections)
    try:
        async_to_sync(run)()
    finally:
        threads.one_thread = before
        for signal in closing:
            signal.connect(close_old_connections)
    answer = Answer(b"".join(m.get("body", b"") for m in sent[1:]), status=sent[0]["status"])
    del answer["Content-Type"]
    for name, value in sent[0]["headers"]:
        answer[name.decode().title()] = value.decode("latin-1")
    return answer


def call_as_page(client: Client, method: str, path: str, data: Any) -> Answer:
    """Make a call as our page does, or with the token that the client has."""
    token = client.defaults.get("HTTP_AUTHORIZATION")
    headers = {"Authorization": str(token)} if token else None
    return call(client, method, path, data, headers=headers, page=not token)
