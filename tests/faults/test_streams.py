"""Event streams while the servers behind them hang, reset and forget."""

from collections.abc import Iterator

import pytest
import redis

from tests.live.reading import Reader, reading
from tests.proxy import HALF_OPEN, RESETS
from tests.stack import Api, wait_for

from .conftest import ProxiedStack

pytestmark = pytest.mark.slow


@pytest.fixture
def api(proxied: ProxiedStack) -> Iterator[Api]:
    with proxied.client() as client:
        yield client


@pytest.fixture
def stream(proxied: ProxiedStack, api: Api) -> Iterator[Reader]:
    token = {"Authorization": api.headers["Authorization"]}
    with reading(proxied.url, token) as reader:
        reader.wait(lambda r: r.named("stream.state")[-1]["live"], what="it is not live")
        yield reader


def follows(api: Api, stream: Reader) -> None:
    """The stream, which never ended, tells of what happens now.

    A process whose connection was lost a moment ago has everything read anew instead.
    """

    def is_told() -> bool:
        resets = len(stream.named("stream.reset"))
        made = api.create("wordcount", b"one two")

        def ends() -> list[object]:
            return [e for e in stream.of_request(made["id"]) if e["status"] == "completed"]

        stream.wait(
            lambda r: ends() or len(r.named("stream.reset")) > resets,
            seconds=60,
            what="the end was not told",
        )
        return bool(ends())

    wait_for(is_told, what="a request is told of by itself")
    assert not stream.ended.is_set()


def is_live(stream: Reader) -> bool:
    return bool(stream.named("stream.state")[-1]["live"])


@pytest.mark.matrix
def test_a_broker_that_hangs_is_said_to_be_away(
    proxied: ProxiedStack, api: Api, stream: Reader
) -> None:
    with proxied.broker.broken(HALF_OPEN):
        stream.wait(lambda r: not is_live(r), what="nobody noticed")
        # A page that opens now is told at once.
        token = {"Authorization": api.headers["Authorization"]}
        with reading(proxied.url, token) as late:
            assert late.named("stream.state")[0] == {"live": False}
        made = api.create("wordcount", b"while it was away")
    stream.wait(is_live, what="it did not come back")
    stream.wait(lambda r: {"reason": "away"} in r.named("stream.reset"), what="no reset")
    api.wait("wordcount", made["id"])
    follows(api, stream)


@pytest.mark.matrix
def test_a_broker_that_restarts_empty(proxied: ProxiedStack, api: Api, stream: Reader) -> None:
    follows(api, stream)
    resets = len(stream.named("stream.reset"))
    redis.Redis.from_url(proxied.valkey.url).flushall()
    proxied.broker.reset_all()
    stream.wait(lambda r: len(r.named("stream.reset")) > resets, what="no reset")
    stream.wait(is_live)
    follows(api, stream)


@pytest.mark.matrix
def test_a_broker_that_only_forgets(proxied: ProxiedStack, api: Api, stream: Reader) -> None:
    """Nobody loses a connection, so only the gap in the log tells."""
    follows(api, stream)
    redis.Redis.from_url(proxied.valkey.url).flushall()
    made = api.create("wordcount", b"three")
    stream.wait(
        lambda r: r.of_request(made["id"]) or {"reason": "missed"} in r.named("stream.reset")
    )
    follows(api, stream)


@pytest.mark.matrix
def test_a_network_that_resets(proxied: ProxiedStack, api: Api, stream: Reader) -> None:
    with proxied.broker.broken(RESETS):
        for _ in range(5):
            api.create("wordcount", b"four")
    wait_for(lambda: is_live(stream), seconds=30)
    follows(api, stream)


@pytest.mark.matrix
def test_a_database_that_hangs(proxied: ProxiedStack, api: Api, stream: Reader) -> None:
    """What was announced meanwhile is told when it is back."""
    made = api.create("wordcount", b"SLEEP 4", "slow.txt")
    stream.wait(lambda r: r.of_request(made["id"]))
    with proxied.database.broken(HALF_OPEN):
        told = len(stream.events)
        stream.wait(lambda r: len(r.events) > told or r.ended.is_set(), what="not a heartbeat")
    stream.wait(
        lambda r: [e for e in r.of_request(made["id"]) if e["status"] == "completed"],
        seconds=120,
        what="the end was not told",
    )
    assert not stream.ended.is_set()
