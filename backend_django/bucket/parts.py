"""Send the chunks of large files into a bucket, as the parts of an S3 multipart upload."""

from django.conf import settings

from backend_django.files.protocol import UploadInChunks

from .objects import Bucket, BucketError

MIN_PART_BYTES = 5 * 1024**2  # a bucket's rules
MAX_PARTS = 10_000


class BucketParts:
    """The browser sends parts to the bucket, with a signed URL for each; we count what is there."""

    def __init__(self, storage: Bucket) -> None:
        self._storage = storage

    def chunk_size(self, size: int) -> int:
        return max(settings.PROCESSING_UPLOAD_CHUNK_BYTES, MIN_PART_BYTES, -(-size // MAX_PARTS))

    def begin(self, upload: UploadInChunks) -> None:
        upload.remote_id = self._storage.parts_begin(upload.file_name)

    def url(self, upload: UploadInChunks, number: int) -> str:
        """Return where to PUT a part."""
        return self._storage.part_url(
            upload.file_name, upload.remote_id, number, upload.length_of(number)
        )

    def list_chunks(self, upload: UploadInChunks) -> list[int]:
        try:
            return sorted(self._etags(upload))
        except FileNotFoundError:
            if self._storage.size_of(upload.file_name) != upload.size:
                raise
            # We were ended when the parts were one object and the request was not yet written.
            return list(range(1, upload.chunks + 1))

    def finish(self, upload: UploadInChunks) -> str:
        name = upload.file_name
        try:
            etags = self._etags(upload)
            if len(etags) != upload.chunks:
                raise BucketError(f"a part of {name} was exchanged a moment ago")
            self._storage.parts_finish(name, upload.remote_id, etags)
        except FileNotFoundError:
            if self._storage.size_of(name) != upload.size:
                raise
        return name

    def _etags(self, upload: UploadInChunks) -> dict[int, str]:
        """Return the ETags of the parts that are there and have the right length, by number."""
        found = self._storage.parts_received(upload.file_name, upload.remote_id)
        return {n: etag for n, (size, etag) in found.items() if size == upload.length_of(n)}
