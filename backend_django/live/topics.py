"""Topics: what can change, and how to describe a change. Rooms and features register theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Of a user, and the ids that were published: (name of the event, its data), each as the API has it.
Describe = Callable[[Any, Sequence[str]], Sequence[tuple[str, Any]]]


@dataclass(frozen=True)
class Topic:
    """One sort of change.

    events: by name, a function that returns the serializer of its data, for the API schema.
    """

    name: str
    describe: Describe
    events: dict[str, Callable[[], Any]]


_topics: dict[str, Topic] = {}


def topic(name: str, **events: Callable[[], Any]) -> Callable[[Describe], Describe]:
    """Decorator: have a function read what changed, for one user, in a thread of the web process.

    It is given ids as they were published, each once, and returns what is true now. Ids that the
    user may not see, or that are gone, are its business: whatever it returns is sent to the user.

    Args:
        name: of the topic; its events are called `<name>.<event>`.
        events: by name, what returns the serializer of the data.
    """

    def register(describe: Describe) -> Describe:
        named = {f"{name}.{event}": serializer for event, serializer in events.items()}
        _topics[name] = Topic(name, describe, named)
        return describe

    return register


def all_topics() -> list[Topic]:
    """Return all topics, sorted by name."""
    return [_topics[name] for name in sorted(_topics)]


def find_topic(name: str) -> Topic | None:
    """Return a topic; None when this release does not have it."""
    return _topics.get(name)
