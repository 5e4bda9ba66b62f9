"""What a storage must be able to do that is not a folder of this machine.

Parts of the product bring one, as the class that STORAGES names; `way_in` tells it from a folder.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase

if TYPE_CHECKING:
    from .models import ProcessingUpload


class DirectParts(Protocol):
    """The browser sends parts to the storage itself, each to an address that we give it."""

    def part_size(self, size: int) -> int:
        """Return the bytes of each part but the last."""

    def begin(self, upload: "ProcessingUpload") -> None:
        """Prepare for the first part; what has to be known later goes into `remote_id`."""

    def url(self, upload: "ProcessingUpload", number: int) -> str:
        """Return where to PUT a part, numbered from 1."""

    def received(self, upload: "ProcessingUpload") -> list[int]:
        """Return the numbers of the parts that are there.

        Raises:
            FileNotFoundError: the storage knows nothing of this upload any more.
        """

    def finish(self, upload: "ProcessingUpload") -> str:
        """Make the parts, which are all there, one file; return its name in the storage."""


class RemoteStorage(Protocol):
    """Every failure is an OSError; what is not there is a FileNotFoundError."""

    def way_in(self) -> DirectParts:
        """Return how large files get here."""

    def walk(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Give name and age of everything below a prefix."""

    def delete_prefix(self, prefix: str) -> None:
        """Remove everything below a prefix, and what of it is still arriving."""

    def fetch(self, name: str, target: Path, check: Callable[[], None]) -> None:
        """Write a file to this machine, going on where an earlier try has ended.

        Args:
            check: called for every megabyte; what it raises ends the transfer.
        """

    def local_copy(self, name: str, size: int) -> Path:
        """Return a copy on this machine that any program can open."""

    def response(self, request: HttpRequest, file: dict[str, Any]) -> HttpResponseBase:
        """Answer with a file of a result, an entry of ProcessingResult.files, or where it is."""
