"""Where the parts of an upload go: through this server into a file, or straight into a bucket.

Parts are numbered from 1. A part counts when it is there as a whole, and only then.
"""

import os
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import default_storage

from .files import bucket, input_name
from .models import ProcessingUpload

if TYPE_CHECKING:
    from .bucket import BucketStorage

MIN_PART_BYTES = 5 * 1024**2  # a bucket's rules
MAX_PARTS = 10_000


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


class BucketParts:
    """The browser sends parts to the bucket, with a signed URL for each; we count what is there."""

    def __init__(self, storage: "BucketStorage") -> None:
        self._storage = storage

    def part_size(self, size: int) -> int:
        return max(settings.PROCESSING_UPLOAD_PART_BYTES, MIN_PART_BYTES, -(-size // MAX_PARTS))

    def begin(self, upload: ProcessingUpload) -> None:
        upload.remote_id = self._storage.parts_begin(input_name(upload.id))

    def url(self, upload: ProcessingUpload, number: int) -> str:
        """Return where to PUT a part."""
        return self._storage.part_url(input_name(upload.id), upload.remote_id, number)

    def received(self, upload: ProcessingUpload) -> list[int]:
        name = input_name(upload.id)
        try:
            found = self._storage.parts_received(name, upload.remote_id)
        except FileNotFoundError:
            if self._storage.size_of(name) != upload.size:
                raise
            # We were ended when the parts were one object and the request was not yet written.
            return list(range(1, upload.parts + 1))
        return sorted(n for n, (size, _) in found.items() if size == upload.length_of(n))

    def finish(self, upload: ProcessingUpload) -> str:
        name = input_name(upload.id)
        try:
            found = self._storage.parts_received(name, upload.remote_id)
            etags = {number: etag for number, (_, etag) in found.items()}
            self._storage.parts_finish(name, upload.remote_id, etags)
        except FileNotFoundError:
            if self._storage.size_of(name) != upload.size:
                raise
        return name


def way_in() -> ServerParts | BucketParts:
    """Return the way of parts into the storage that is configured."""
    storage = bucket()
    return BucketParts(storage) if storage else ServerParts()
