"""The path of chunks: through this server into a file, or straight into the storage.

Chunks are numbered from 1. A chunk counts when it is there as a whole, and only then.
"""

import os
import shutil
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.storage import default_storage

from backend_django.files.protocol import DirectChunks
from backend_django.files.storage import make_durable, remote

from .models import Upload


class ServerChunks:
    """Chunks are sent to us, and written to their places in the file that they make."""

    def chunk_size(self, size: int) -> int:
        """Return the bytes of each chunk but the last."""
        return settings.PROCESSING_UPLOAD_CHUNK_BYTES

    def begin(self, upload: Upload) -> None:
        """Prepare for the first chunk."""

    def store(self, upload: Upload, number: int, content: IO[bytes]) -> None:
        """Put a chunk to its place. Doing it twice, or two chunks at once, does no harm."""
        path = Path(default_storage.path(upload.file_name))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with open(handle, "r+b") as whole:
            whole.seek((number - 1) * (upload.chunk_size or 0))
            shutil.copyfileobj(content, whole, 1024 * 1024)
        make_durable(upload.file_name)

    def list_chunks(self, upload: Upload) -> list[int]:
        """Return the numbers of the chunks that are there.

        Raises:
            FileNotFoundError: the storage knows nothing of this upload any more.
        """
        return sorted(upload.received)

    def finish(self, upload: Upload) -> str:
        """Make the chunks, which are all there, one file; return its name in the storage."""
        return upload.file_name


def chunk_store() -> ServerChunks | DirectChunks:
    """Return the way of chunks into the storage that is configured."""
    storage = remote()
    return storage.chunk_store() if storage else ServerChunks()
