"""The protocol of a storage that is not a folder of this machine.

Modules bring one, as the class that STORAGES names; `chunk_store` tells it from a folder.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .refs import FileRef


class UploadInChunks(Protocol):
    """The facts about an upload that a storage needs to take its chunks itself."""

    size: int  # bytes
    remote_id: str  # the storage's own name of the upload; `begin` sets it

    @property
    def file_name(self) -> str:
        """The name of the whole file in the storage."""

    @property
    def chunks(self) -> int:
        """The number of chunks; they are numbered from 1."""

    def length_of(self, number: int) -> int:
        """Bytes of one chunk."""


class DirectChunks(Protocol):
    """The browser sends chunks to the storage itself, each to an address that we give it."""

    def chunk_size(self, size: int) -> int:
        """Return the bytes of each chunk but the last."""

    def begin(self, upload: UploadInChunks) -> None:
        """Prepare for the first chunk; what has to be known later goes into `remote_id`."""

    def url(self, upload: UploadInChunks, number: int) -> str:
        """Return where to PUT a chunk, numbered from 1."""

    def list_chunks(self, upload: UploadInChunks) -> list[int]:
        """Return the numbers of the chunks that are there.

        Raises:
            FileNotFoundError: the storage knows nothing of this upload any more.
        """

    def finish(self, upload: UploadInChunks) -> str:
        """Make the chunks, which are all there, one file; return its name in the storage."""


class RemoteStorage(Protocol):
    """Every failure is an OSError; what is not there is a FileNotFoundError."""

    def check(self) -> None:
        """Raise an OSError if the storage does not respond, or is not there."""

    def chunk_store(self) -> DirectChunks:
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

    def stream(self, name: str) -> Iterator[bytes]:
        """Give the bytes of a file as they arrive."""

    def local_copy(self, name: str, size: int) -> Path:
        """Return a copy on this machine that any program can open."""

    def response(self, request: HttpRequest, file: FileRef) -> HttpResponseBase:
        """Answer with a file of a result, or where it is."""
