"""Publishes into a bucket: `make publish-schema TO=s3://bucket/folder`.

Keys, region and server are those of AWS's own variables (AWS_ACCESS_KEY_ID, AWS_PROFILE,
AWS_ENDPOINT_URL_S3 …): it need not be the bucket of the product.
"""

import mimetypes
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from scripts.environment import UsageError

SCHEME = "s3"


class Place:
    """A folder of a bucket. Raises UsageError with what the server says."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.bucket, self.folder = parts.netloc, parts.path.strip("/")
        try:
            self.client = boto3.client("s3")
        except (BotoCoreError, ValueError) as error:
            raise UsageError(f"{address}: {error}") from error

    def _key(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    def read(self, name: str) -> bytes | None:
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=self._key(name))
            return bytes(found["Body"].read())
        except self.client.exceptions.NoSuchKey:
            return None
        except (BotoCoreError, ClientError) as error:
            raise UsageError(f"s3://{self.bucket}/{self._key(name)}: {error}") from error

    def write(self, name: str, content: bytes) -> None:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=self._key(name), Body=content, ContentType=kind
            )
        except (BotoCoreError, ClientError) as error:
            raise UsageError(f"s3://{self.bucket}/{self._key(name)}: {error}") from error
