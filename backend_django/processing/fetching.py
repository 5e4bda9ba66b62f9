"""Bring the files that a request works on to this machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend_django.files.refs import InputFile
from backend_django.files.storage import fetch
from backend_django.uploads.quota import human
from backend_django.utils.errors import ResponseTooLarge

from .errors import ProcessingError
from .inputs import InputRef

BUDGET_SECONDS = 900
CHUNK = 256 * 1024


def fetch_input(
    file: InputRef,
    directory: Path,
    *,
    max_bytes: int,
    check: Callable[[], None],
    record: Callable[[dict[str, Any]], None],
) -> InputFile:
    """Return a file of a request, from the storage or from elsewhere.

    Args:
        max_bytes: the most that is fetched from elsewhere.
        check: called while bytes arrive; what it raises ends the transfer.
        record: told of each call to a service of others.

    Raises:
        ProcessingError: it cannot be had from its address, or is too large.
        FileGone, StorageUnavailable, ServiceError
    """
    url = file.get("source", {}).get("url")
    if url is None:
        return InputFile(fetch(file["name"], directory, check), file["filename"], file["size"])
    directory.mkdir(parents=True)
    target = directory / "upload"
    _download(url, target, max_bytes, check, record)
    return InputFile(target, file["filename"], target.stat().st_size)


def _download(
    url: str,
    target: Path,
    max_bytes: int,
    check: Callable[[], None],
    record: Callable[[dict[str, Any]], None],
) -> None:
    from backend_django.utils.http_client import HttpSession  # slow to import, and seldom needed

    session = HttpSession(budget_seconds=BUDGET_SECONDS, record=record, max_bytes=max_bytes)
    try:
        with session.get(url, stream=True) as response, target.open("wb") as file:
            if not response.ok:
                raise ProcessingError(
                    "input_not_found",
                    "The address of the input responds with %(status)s. Check it, and "
                    "submit it again.",
                    status=str(response.status_code),
                )
            for chunk in response.iter_content(CHUNK):
                check()
                file.write(chunk)
    except ResponseTooLarge as error:
        raise ProcessingError(
            "input_too_large",
            "The file at this address is larger than the %(max_bytes)s that are allowed.",
            max_bytes=human(max_bytes),
        ) from error
