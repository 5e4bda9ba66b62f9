"""The streams that are open in a web process, and what is sent to them.

One connection to Redis listens for all users who have a stream here. When a user's bell rings, what
is new in the log of that user is read, described once in a thread, and sent to each of the streams.
What is described is the state of that moment: a stream never goes back in time, several changes of
one thing may become one event, and the last one always arrives.
"""

import asyncio
import contextlib
import json
import logging
import random
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import redis.asyncio
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, models
from django.utils.translation import override
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from backend_django.users.credentials import Credential, credentials_ended
from backend_django.users.languages import language_of
from backend_django.utils.database_wait import statement_limit

from .metrics import OPEN_STREAMS
from .publish import RESET, bell, log_key
from .topics import find_topic

T = TypeVar("T")
logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.03  # so that what happens at once is described at once
CHECK_SECONDS = 0.7  # between two looks at whether those who listen may do so still
PING_SECONDS = 1.5  # a server that does not respond for two of them is away
TRY_AGAIN_SECONDS = 0.5
CONFIRM_SECONDS = 2.0
# A client waits so long before it connects again; each is told another time, so that those of a
# server that was restarted do not all come at once.
RETRY_SECONDS = (1.0, 8.0)
MAX_CHANGES = 200  # at once; who has more of them reads everything anew
MAX_WAITING = 200  # frames that a client has not taken, before it is dropped
NOTHING = "0-0"  # the id before all others

ENTRY_ID = re.compile(r"\d{1,19}-\d{1,19}", re.ASCII)
AWAY = (RedisError, OSError, TimeoutError, DatabaseError, InterfaceError)


class Reset(models.TextChoices):
    """A reason to read everything anew."""

    MANY = "many"
    MISSED = "missed"
    AWAY = "away"


class Stream:
    """A response that stays open."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self.pushed_at = 0.0
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self._ended = False

    def push(self, frame: bytes) -> None:
        """Have a frame sent; a client that takes none is dropped, and comes back."""
        self.pushed_at = asyncio.get_running_loop().time()
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """End the response. Its client connects again, and is let in or not."""
        self._ended = True
        while not self._frames.empty():
            self._frames.get_nowait()
        self._frames.put_nowait(b"")

    async def next_frame(self) -> bytes | None:
        """Wait for what is to be sent; None when that was all."""
        found = await self._frames.get()
        return None if self._ended else found


class Audience:
    """The streams of one user, and how far in their log these have been told."""

    def __init__(self, user_id: Any) -> None:
        self.user_id = user_id
        self.streams: set[Stream] = set()
        self.told = ""  # the id of an entry; empty while nobody knows
        self.missed = False  # something may have changed that is in no log
        self.known = asyncio.Event()
        self.rung = asyncio.Event()
        self.lock = asyncio.Lock()

    def push(self, frame: bytes) -> None:
        for stream in [*self.streams] if frame else ():
            stream.push(frame)


class Hub:
    """All streams of a process; to be used in one event loop."""

    def __init__(self) -> None:
        self.is_live = False
        self._audiences: dict[str, Audience] = {}
        self._threads = ThreadPoolExecutor(2, "live")
        self._redis: Any = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=1.0,
            socket_timeout=2.0,
            retry=Retry(NoBackoff(), 0),
        )
        self._pubsub: Any = None
        self._tried = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def stream(self, credential: Credential, last_event_id: str) -> AsyncIterator[bytes]:
        """Give the frames of a new stream until it ends.

        Args:
            last_event_id: what its client was told last, empty for a new one.
        """
        if not self._tasks:
            self._begin_task(self._listen())
            self._begin_task(self._check())
            self._begin_task(self._beat())
        stream = Stream(credential)
        audience = self._join(stream)
        OPEN_STREAMS.inc()
        try:
            yield f"retry: {random.uniform(*RETRY_SECONDS) * 1000:.0f}\n".encode()  # noqa: S311
            await self._welcome(audience, stream, last_event_id)
            while (frame := await stream.next_frame()) is not None:
                yield frame
        finally:
            OPEN_STREAMS.dec()
            self._leave(audience, stream)

    def end_all(self) -> None:
        """End all streams, because the process is about to stop."""
        for stream in self._streams():
            stream.end()

    def _streams(self) -> list[Stream]:
        return [each for some in self._audiences.values() for each in some.streams]

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Who listens

    def _join(self, stream: Stream) -> Audience:
        user_id = stream.credential.user_id
        audience = self._audiences.get(bell(user_id))
        if audience is None:
            audience = self._audiences[bell(user_id)] = Audience(user_id)
            self._begin_task(self._follow(audience))
            self._begin_task(self._tell_server("subscribe", audience))
        audience.streams.add(stream)
        return audience

    def _leave(self, audience: Audience, stream: Stream) -> None:
        audience.streams.discard(stream)
        if not audience.streams and self._audiences.get(bell(audience.user_id)) is audience:
            del self._audiences[bell(audience.user_id)]
            audience.rung.set()  # ends what follows it
            self._begin_task(self._tell_server("unsubscribe", audience))

    async def _tell_server(self, what: str, audience: Audience) -> None:
        if self._pubsub is not None:  # otherwise whatever listens next subscribes to all
            with contextlib.suppress(RedisError, OSError):
                await getattr(self._pubsub, what)(bell(audience.user_id))

    async def _welcome(self, audience: Audience, stream: Stream, last_event_id: str) -> None:
        """Say how things are, and what the client has missed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_SECONDS):
                await self._tried.wait()
                if self.is_live:
                    await audience.known.wait()
        async with audience.lock:
            audience.missed |= not audience.told
            if last_event_id and audience.told:
                stream.push(await self._replay(audience, last_event_id))
            stream.push(self._state(audience.told))

    async def _replay(self, audience: Audience, last_event_id: str) -> bytes:
        if ENTRY_ID.fullmatch(last_event_id) and last_event_id != NOTHING:
            try:
                return (await self._news(audience.user_id, last_event_id))[0]
            except AWAY:
                pass
            except Exception:  # the client would come back to it, for as long as it is in the log
                logger.exception("a change could not be described")
        return reset_frame(Reset.MISSED, audience.told)

    # What Redis says

    async def _listen(self) -> None:
        """Hear the bells, and notice when the server does not respond."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    known = [*self._audiences]
                    await pubsub.subscribe(bell(""), *known)
                    self._pubsub = pubsub  # from now on, who joins subscribes
                    if late := self._audiences.keys() - known:
                        await pubsub.subscribe(*late)
                    await self._hear(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                if self.is_live or not self._tried.is_set():
                    logger.warning("event streams wait for Redis: %s", type(error).__name__)
            finally:
                self._pubsub = None
            self._set_live(False)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _hear(self, pubsub: Any) -> None:
        clock = asyncio.get_running_loop().time
        asked_at, responded = clock(), False
        while True:
            message = await pubsub.get_message(timeout=PING_SECONDS)
            if message:
                responded = True
                self._take(message)
            if clock() - asked_at >= PING_SECONDS:
                if not responded:
                    raise TimeoutError
                asked_at, responded = clock(), False
                await pubsub.ping()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] in ("message", "subscribe"):
            self._set_live(True)
            if audience := self._audiences.get(message["channel"].decode()):
                audience.rung.set()

    def _set_live(self, is_live: bool) -> None:
        """Note that the server is there or not; what was announced without it nobody has heard."""
        self._tried.set()
        if is_live == self.is_live:
            return
        self.is_live = is_live
        for audience in self._audiences.values():
            if not is_live:
                audience.told, audience.missed = "", True
                audience.known.clear()
                audience.push(self._state())

    async def _beat(self) -> None:
        """Say how things are wherever nothing else was said for a while.

        For all streams in one turn of the loop: a timer for each costs more than the sending.
        """
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(min(1.0, settings.LIVE_HEARTBEAT_SECONDS / 4))
            quiet_since = clock() - settings.LIVE_HEARTBEAT_SECONDS
            for stream in self._streams():
                if stream.pushed_at <= quiet_since:
                    stream.push(b": heartbeat\n" + self._state())

    # What streams are told

    async def _follow(self, audience: Audience) -> None:
        """Tell the streams of a user what is new, each time the bell rings."""
        while True:
            await audience.rung.wait()
            if not audience.streams:
                return
            await asyncio.sleep(GATHER_SECONDS)
            audience.rung.clear()
            try:
                async with audience.lock:
                    await self._catch_up(audience)
            except AWAY as error:
                logger.warning("a change could not be told: %s", type(error).__name__)
                audience.rung.set()
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            except Exception:  # of whoever describes a topic: it must not silence the others
                logger.exception("a change could not be described")
                audience.told, audience.missed = "", True
                audience.rung.set()
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _catch_up(self, audience: Audience) -> None:
        if audience.told:
            frames, audience.told = await self._news(audience.user_id, audience.told)
            audience.push(frames)
            return
        told = await self._newest(audience.user_id)
        if audience.missed:
            audience.push(reset_frame(Reset.AWAY) + self._state(told))
        audience.told, audience.missed = told, False
        audience.known.set()

    async def _newest(self, user_id: Any) -> str:
        entries = await self._redis.xrevrange(log_key(user_id), count=1)
        return entries[0][0].decode() if entries else NOTHING

    async def _news(self, user_id: Any, after: str) -> tuple[bytes, str]:
        """Return what came into a user's log after an entry as frames, and the id of the last one.

        Everything is to be read anew when the entry is not there any more: others that came after
        it may be gone as well.
        """
        entries = await self._redis.xrange(log_key(user_id), min=after, count=MAX_CHANGES + 2)
        ids = [entry[0].decode() for entry in entries]
        changes: dict[str, dict[str, None]] = {}
        for entry_id, (_, entry) in zip(ids, entries, strict=True):
            if entry_id != after:
                of_topic = changes.setdefault(entry[b"topic"].decode(), {})
                of_topic.update(dict.fromkeys(entry[b"ids"].decode().split(" ")))
        is_whole = after == NOTHING or after in ids[:1]
        too_many = len(entries) + sum(map(len, changes.values())) > MAX_CHANGES
        if not is_whole or too_many or RESET in changes:
            newest = await self._newest(user_id)
            reason = Reset.MISSED if not is_whole else Reset.MANY if too_many else Reset.AWAY
            return reset_frame(reason, newest), newest
        if not changes:
            return b"", after
        events = await self._in_thread(describe, user_id, changes)
        last = len(events) - 1  # only then has the client been told all of it
        frames = [
            make_frame(name, data, ids[-1] if number == last else "")
            for number, (name, data) in enumerate(events)
        ]
        return b"".join(frames) or f"id: {ids[-1]}\n\n".encode(), ids[-1]

    def _state(self, id: str = "") -> bytes:
        frame = state_frame(self.is_live)
        return frame[:-1] + f"id: {id}\n\n".encode() if id else frame

    # Whether they may still be told

    async def _check(self) -> None:
        """End the streams of sessions, tokens and accounts that have ended."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            streams = self._streams()
            try:
                given = {stream.credential for stream in streams}
                ended = await self._in_thread(credentials_ended, given) if given else set()
            except (DatabaseError, InterfaceError) as error:  # nothing can be described either
                logger.warning("streams could not be checked: %s", type(error).__name__)
                continue
            for stream in streams:
                if stream.credential in ended:
                    stream.end()

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, ask_database, function, *arguments)


def ask_database(function: Callable[..., T], *arguments: Any) -> T:
    """Call what asks the database, in a thread that no request has prepared."""
    close_old_connections()
    try:
        with statement_limit(settings.DATABASE_REQUEST_SECONDS):
            return function(*arguments)
    except (DatabaseError, InterfaceError):
        connection.close()
        raise


def describe(user_id: Any, changes: dict[str, dict[str, None]]) -> list[tuple[str, Any]]:
    """Return the events of changes, by topic and id, as a user may see them now."""
    events: list[tuple[str, Any]] = []
    with override(language_of(user_id)):
        for name, ids in changes.items():
            if topic := find_topic(name):  # another release has one that this one does not
                described: Sequence[tuple[str, Any]] = topic.describe(user_id, [*ids])
                events += [(f"{name}.{event}", data) for event, data in described]
    return events


def reset_frame(reason: Reset, id: str = "") -> bytes:
    """Return the event that has everything read anew."""
    return make_frame("stream.reset", {"reason": reason}, id)


@lru_cache(4)
def state_frame(live: bool) -> bytes:
    """Return the event that says whether changes are told."""
    return make_frame("stream.state", {"live": live})


def make_frame(event: str, data: Any, id: str = "") -> bytes:
    """Return an event as it goes over the wire (HTML Standard, section 9.2)."""
    text = json.dumps(data, cls=DjangoJSONEncoder, separators=(",", ":"))
    lines = [f"event: {event}", f"data: {text}", *([f"id: {id}"] if id else [])]
    return "\n".join([*lines, "", ""]).encode()
