"""Domain errors. They know no HTTP: api/problems.py translates."""

import math
from collections.abc import Mapping

from .messages import Message


class DomainError(Exception):
    """The requested action is not possible.

    Args:
        message: one or two sentences for whoever asked: what is wrong and what to do. It is
            translated for whoever reads it; one with values in it is a `Message` for that.
        code: snake_case, stable; programs branch on it.
    """

    code = "error"
    message = "This is not possible."

    def __init__(self, message: str = "", code: str = "") -> None:
        self.message, self.code = message or self.message, code or self.code
        super().__init__(self.message)


class NotFound(DomainError):  # noqa: N818
    """It does not exist, or not for whoever asks."""

    code = "not_found"
    message = "There is no such thing."


class NoSuchAccount(NotFound):
    """A call names an account to act for, and it is not there, or not for whoever calls."""

    code = "no_such_account"
    message = "You can't act for this account, or no longer."


class Denied(DomainError):  # noqa: N818
    """The caller may not do this, or not yet."""

    code = "permission_denied"
    message = "You may not do this."


class RoleTooLow(Denied):
    """The caller may see it, but not do this with it."""

    message = "Your role doesn't allow this. Ask an owner for another one."


class Conflict(DomainError):  # noqa: N818
    """It exists, but not in a state that allows this."""

    code = "conflict"
    message = "This is not possible in the present state."


class Invalid(DomainError):  # noqa: N818
    """The input is wrong.

    Args:
        fields: the sentence for each field of the input, where it is about fields.
    """

    code = "invalid"
    message = "The input is not valid."

    def __init__(
        self, message: str = "", code: str = "", *, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, code)
        self.fields = fields


class TooLarge(DomainError):  # noqa: N818
    """An upload is larger than it may be."""

    code = "too_large"
    message = "The upload is too large."


class LimitReached(DomainError):  # noqa: N818
    """Too much of it, for now.

    Args:
        message: says how long to wait when left out.
        retry_after: seconds until it is possible again.
        advice: a sentence on what to do instead, a `Message` as well.
    """

    code = "throttled"

    def __init__(
        self, message: str = "", code: str = "", *, retry_after: float, advice: str = ""
    ) -> None:
        message = message or _wait(math.ceil(retry_after))
        if advice:
            message = Message("%(message)s %(advice)s", message=message, advice=advice)
        super().__init__(message, code)
        self.retry_after = retry_after


def _wait(seconds: int) -> Message:
    if seconds < 120:
        return Message.counted(
            "Too many requests. Try again in %(count)s second.",
            "Too many requests. Try again in %(count)s seconds.",
            count=seconds,
        )
    if seconds < 7200:
        return Message(
            "Too many requests. Try again in %(count)s minutes.", count=math.ceil(seconds / 60)
        )
    return Message(
        "Too many requests. Try again in %(count)s hours.", count=math.ceil(seconds / 3600)
    )


class StorageFull(DomainError):  # noqa: N818
    """There is no room where files are kept, or where jobs work."""

    code = "disk_full"
    message = "The server does not have enough disk space for this. Try again later."


class StorageUnavailable(DomainError):  # noqa: N818
    """The file storage does not respond, or refuses."""

    code = "storage_unavailable"
    message = "The storage does not respond. Try again later."


class FileGone(DomainError):  # noqa: N818
    """A file that a row names is not in the storage any more."""

    code = "file_gone"
    message = "The file is no longer there."


class ServiceError(DomainError):
    """A service of others could not be used (http_client.py)."""


class ServiceUnavailable(ServiceError):  # noqa: N818
    """It does not respond, or not as it should."""

    code = "service_unavailable"
    message = "A service that this depends on does not respond. Try again later."


class AddressRefused(ServiceError):  # noqa: N818
    """Its address is none that we call."""

    code = "address_refused"
    message = "This is not a public address, so it is not called."


class ResponseTooLarge(ServiceError):  # noqa: N818
    """It says more than we read."""

    code = "response_too_large"
    message = "The response of a service is too large."
