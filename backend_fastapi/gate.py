"""Let Django decide who calls, before anything here does.

Each call goes through Django's own middleware, authentication and throttles as if it were for the
feature that the address names: sessions with CSRF, tokens with scopes, hosts, headers, languages,
the audit trail. There is no second rule for any of it, so none can differ.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import transaction
from django.http import HttpResponse
from django.urls import re_path
from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend_django import policies
from backend_django.api import problems
from backend_django.server.bridge import make_environ
from backend_django.server.connections import TOO_SLOW
from backend_django.users.credentials import Credential, credential_of
from backend_django.utils.trace_id import HEADER, trace_id

from .errors import ProblemError, raw_headers, respond, server_error
from .threads import in_free_thread

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX = "/api/v1/fast/"
UNVERSIONED = "/api/fast/"  # the same in short, as gateways are told
ALIVE = "/health/live"
INTERNAL = "/internal/"
MAX_BODY_BYTES = 512 * 1024  # of text that may have up to 100,000 letters, escaped
BODY_SECONDS = 15
JSON_TYPE = b"application/json"


@dataclass(frozen=True)
class Caller:
    """The caller, and the account it acts for: `owner` is what `X-Act-For` names, or the user."""

    user: Any
    owner: Any
    credential: Credential


class GateView(APIView):
    """Lets in whoever may call: by the defaults of every view of the API."""

    def http_method_not_allowed(  # type: ignore[override]
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        """Let the call in. Which methods there are is for the application behind to say."""
        safe = request.method in policies.SAFE
        action = policies.Action.VIEW if safe else policies.Action.EDIT
        response = Response()
        response.caller = Caller(  # type: ignore[attr-defined]
            request.user,
            policies.owner_for(request.user, request, action),
            credential_of(user=request.user, token=request.auth, request=request._request),  # type: ignore[arg-type]
        )
        response.language = translation.get_language()  # type: ignore[attr-defined]
        return response


# These addresses are this process's alone (GateRequest.urlconf).
urlpatterns = [re_path(r"", transaction.non_atomic_requests(GateView.as_view()))]
handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error


class GateRequest(WSGIRequest):
    urlconf = __name__


class GateHandler(WSGIHandler):
    request_class = GateRequest


class Gate:
    """ASGI middleware: the application inside gets calls of known callers, with their bodies."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app
        self.django = GateHandler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close"})
        path = scope["path"].removeprefix(settings.BASE_PATH)
        if path.startswith(UNVERSIONED):
            path = PREFIX + path.removeprefix(UNVERSIONED)
        scope["path"] = path
        if path.rstrip("/") == ALIVE or path.startswith(INTERNAL):
            return await self.app(scope, receive, send)
        try:
            if not path.startswith(PREFIX):
                raise ProblemError(404, "not_found", _("There is nothing at this address."))
            answer = await in_free_thread(lambda: self.ask_django(scope))
            if not hasattr(answer, "caller"):
                return await send_whole(send, answer)
            trace_id.set(answer[HEADER])
            translation.activate(answer.language)  # type: ignore[attr-defined]
            scope.setdefault("state", {})["caller"] = answer.caller
            body = await receive_body(scope, receive)
        except ProblemError as error:
            return await send_whole(send, respond(error) or server_error())
        kept = [
            header for header in raw_headers(answer)
            if header[0] not in {b"content-length", b"content-type", b"allow"}
        ]  # fmt: skip
        return await self.app(scope, replay(body, receive), with_headers(send, kept))

    def ask_django(self, scope: Scope) -> HttpResponse:
        """Return Django's refusal, or a response with the caller, in a thread.

        The address is that of the feature: `/api/v1/fast/lines/` is `/api/v1/lines/` to it, as the
        kinds of a token name features.
        """
        address = f"/api/v1/{scope['path'].removeprefix(PREFIX)}"
        environ = make_environ({**scope, "raw_path": quote(address).encode()}, io.BytesIO(), 0)
        environ.pop("CONTENT_TYPE", None)
        environ["CONTENT_LENGTH"] = "0"  # Django is asked about the head alone
        response: Any = self.django(environ, lambda *_: None)  # type: ignore[arg-type]
        response.close()
        return response


async def receive_body(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body of a call.

    Raises:
        ProblemError: it is too large, too slow, or no JSON.
    """
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"0")
    if announced == b"0" and b"transfer-encoding" not in headers:
        return b""
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != JSON_TYPE:
        refused = UnsupportedMediaType(kind.decode("latin-1"))
        raise ProblemError(415, refused.default_code, str(refused.detail))
    too_large = ProblemError(413, "too_large", _("The body of the request is too large."))
    if not announced.isdigit() or int(announced) > MAX_BODY_BYTES:
        raise too_large
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise TimeoutError
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
    except TimeoutError as error:
        raise ProblemError(408, "request_timeout", TOO_SLOW) from error
    return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body once, and then what else comes: that the client is gone."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def with_headers(send: Send, kept: list[tuple[bytes, bytes]]) -> Send:
    """Return what sends a response with the headers that Django has given the call."""

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _value in message["headers"]}
            more = [(name, value) for name, value in kept if name not in own]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return send_more


async def send_whole(send: Send, response: HttpResponse) -> None:
    """Send a response of Django's."""
    headers = raw_headers(response)
    await send({
        "type": "http.response.start", "status": response.status_code, "headers": headers,
    })  # fmt: skip
    await send({"type": "http.response.body", "body": response.content})
