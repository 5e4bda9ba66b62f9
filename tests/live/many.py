"""Many pages that follow event streams as browsers do: they come back, and say from where."""

import asyncio
import contextlib
import json
import random
import threading
import time
from typing import Any

RETRY_SECONDS = (1, 8)  # of a page that was refused; a browser has it from the server

# manage.py shell: users with a token each, `key-<number>`. Prints their ids.
MAKE_USERS = """
import json
from backend_django.users.models import ApiToken, User
users = User.objects.bulk_create(
    User(email=f"listener-{n}@example.org", password="!") for n in range(%d))
ApiToken.objects.bulk_create(
    ApiToken(user=user, name="many", digest=ApiToken.digest_of(f"key-{n}"), hint="key")
    for n, user in enumerate(users))
print(json.dumps([user.pk for user in users]))
"""


class Page:
    """What one page was told."""

    def __init__(self, number: int) -> None:
        self.number = number  # of its user
        self.is_open = False
        self.last_id = ""
        self.reset_at = 0.0  # seconds since the epoch
        self.told: dict[str, str] = {}  # the last state of each request
        self.order: list[tuple[str, str]] = []
        self.usage_at: list[float] = []  # monotonic seconds
        self.connections = self.refused = 0


class Pages:
    """Pages in a thread with a loop of its own."""

    def __init__(self, port: int, *, users: int, pages: int, per_second: float = 400) -> None:
        self.port, self.pause = port, 1 / per_second
        self.all = [Page(number % users) for number in range(pages)]
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._follow_all())
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def opened(self) -> int:
        return sum(page.is_open for page in self.all)

    @property
    def refused(self) -> int:
        return sum(page.refused for page in self.all)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    async def _follow_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for page in self.all:
                group.create_task(self._follow(page))
                await asyncio.sleep(self.pause)

    async def _follow(self, page: Page) -> None:
        while True:
            retry = random.uniform(*RETRY_SECONDS)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
                retry = await self._read(page) or retry
            page.is_open = False
            await asyncio.sleep(retry)

    async def _read(self, page: Page) -> float | None:
        """Read a stream until it ends; return the seconds after which the server wants it back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        page.connections += 1
        lines = [
            "GET /api/v1/events/ HTTP/1.1",
            "Host: localhost",
            f"Authorization: Token key-{page.number}",
            *([f"Last-Event-ID: {page.last_id}"] if page.last_id else []),
        ]
        retry: float | None = None
        event = ""
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                page.refused += 1
                return None
            async for line in reader:
                field, _, value = line.decode().strip().partition(": ")
                if field == "retry":
                    retry = int(value) / 1000
                elif field == "event":
                    event = value
                elif field == "data":
                    self._take(page, event, json.loads(value))
                elif field == "id":
                    page.last_id = value
        finally:
            writer.close()
        return retry

    def _take(self, page: Page, event: str, data: Any) -> None:
        if event == "stream.state":
            page.is_open = True
        elif event == "stream.reset":
            page.reset_at = time.time()
        elif event == "request.changed":
            page.told[data["id"]] = data["status"]
            page.order.append((data["id"], data["status"]))
        elif event == "usage.changed":
            page.usage_at.append(time.monotonic())
