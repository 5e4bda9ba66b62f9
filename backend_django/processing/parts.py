"""Where the parts of an upload go: through this server into a file, or straight into the storage.

Parts are numbered from 1. A part counts when it is there as a whole, and only then.
"""

import os
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import default_storage

from .files import input_name, remote
from .models import ProcessingUpload

if TYPE_CHECKING:
    from .remote import DirectParts


class ServerParts:
    """Parts are sent to us, and written to their places in the file that they make."""

    def part_size(self, size: int) -> int:
        """Return the bytes of each part but the last."""
        return settings.PROCESSING_UPLOAD_PART_BYTES

    def begin(self, upload: ProcessingUpload) -> None:
        """Prepare for the first part."""

    def store(self, upload: ProcessingUpload, number: int, content: IO[bytes]) -> None:
        """Put a part to its place. Doing it twice, or two parts at once, does no harm."""
        path = Path(default_storage.path(input_name(upload.id)))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with open(handle, "r+b") as whole:
            whole.seek((number - 1) * (upload.part_size or 0))
            shutil.copyfileobj(content, whole, 1024 * 1024)

    def received(self, upload: ProcessingUpload) -> list[int]:
        """Return the numbers of the parts that are there.

        Raises:
            FileNotFoundError: the storage knows nothing of this upload any more.
        """
        return sorted(upload.received)

    def finish(self, upload: ProcessingUpload) -> str:
        """Make the parts, which are all there, one file; return its name in the storage."""
        return input_name(upload.id)


def way_in() -> "ServerParts | DirectParts":
    """Return the way of parts into the storage that is configured."""
    storage = remote()
    return storage.way_in() if storage else ServerParts()
