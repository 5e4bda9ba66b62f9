"""Count calls as web counts its own: by method and status, with their times."""

import time
from collections.abc import Awaitable, Callable

from backend_django.server.metrics import count_request

from .gate import Message, Receive, Scope, Send


class Counted:
    """ASGI middleware: a call counts when its response begins, as streams go on for long."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                count_request(scope["method"], message["status"], time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, send_counted)
