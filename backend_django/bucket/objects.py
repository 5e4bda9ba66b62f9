"""Files in an S3 bucket: Amazon's, or any server that speaks its protocol.

What a bucket can do and a folder cannot is here: URLs that let a browser send and fetch without us,
uploads in parts, and removing many objects in one call. Every failure is an OSError, so that
whoever uses files need not know where they are.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.handlers import add_expect_header
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from backend_django.utils.breaker import Breaker
from backend_django.utils.database_wait import in_web_request

from .waiting import allow, is_used_up

GONE = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
BULK = 1000  # objects that one call removes, by the protocol
CHUNK = 1024 * 1024
FINISH_SECONDS = 60  # putting thousands of parts together may take a bucket longer than an answer


WORKER_TRIES = 3

_breaker = Breaker(probe=6.0)  # of this process


class BucketError(OSError):
    """The bucket does not answer, or refuses."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise FileNotFoundError or BucketError for what the client library raises.

    In a web request a bucket that did not answer a moment ago is not asked.
    """
    if in_web_request() and not _breaker.allows():
        raise BucketError("the bucket is not asked: it did not answer a moment ago")
    heard = True
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        raise (FileNotFoundError if code in GONE else BucketError)(str(error)) from error
    except Exception as error:  # of the client library, or what it makes of half an answer
        heard = not (isinstance(error, ConnectTimeoutError | ReadTimeoutError) or is_used_up())
        if isinstance(error, OSError) and not isinstance(error, BotoCoreError):
            raise  # of a file of ours; the library's time-outs are OSErrors as well
        raise BucketError(f"{type(error).__name__}: {error}") from error
    finally:
        if heard:
            _breaker.record_answer()
        else:
            _breaker.record_timeout()


class Bucket(S3Storage):
    """Django's storage in a bucket.

    Args:
        public_endpoint_url: the bucket's server as browsers reach it; signed URLs name it.
        url_seconds: how long a signed URL is good for.
    """

    def __init__(self, *, public_endpoint_url: str, url_seconds: int, **options: Any) -> None:
        self.public_endpoint_url = public_endpoint_url
        self.url_seconds = url_seconds
        super().__init__(
            client_config=Config(
                signature_version="s3v4",
                s3={"addressing_style": options.pop("addressing_style")},
                connect_timeout=2,
                read_timeout=4,
                # Other servers than Amazon's do not know the checksums that are its newest default.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            **options,
        )

    @property
    def client_config(self) -> Config:
        """Once in a web request, whose sender can try again; a worker tries again itself."""
        tries = 1 if in_web_request() else WORKER_TRIES
        retries = {"total_max_attempts": tries, "mode": "standard"}
        return self._config.merge(Config(retries=retries))

    @client_config.setter
    def client_config(self, config: Config) -> None:
        self._config = config

    @property
    def transfer_config(self) -> TransferConfig:
        """In a web request without threads, which would not know its limits."""
        return TransferConfig(use_threads=not in_web_request())

    @transfer_config.setter
    def transfer_config(self, config: TransferConfig | None) -> None:
        pass

    def _create_session(self) -> Any:
        """Return a session whose uploads do not wait to be told to continue.

        When the answer ends in the middle, botocore 1.44 reads its headers without end.
        """
        session = super()._create_session()
        session.events.unregister("before-call.s3", add_expect_header)
        return session

    @property
    def client(self) -> Any:
        return self.connection.meta.client

    @cached_property
    def _signer(self) -> Any:
        """Signs for the host that the browser names; it connects to nothing."""
        return self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.public_endpoint_url,
            config=self.client_config,
        )

    def _where(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}

    # What Django's storages do, with failures that say what they are

    def _save(self, name: str, content: Any) -> str:
        with translate_errors():
            return super()._save(name, content)

    def _open(self, name: str, mode: str = "rb") -> Any:
        with translate_errors():
            return super()._open(name, mode)

    def exists(self, name: str) -> bool:
        with translate_errors():
            return super().exists(name)

    def delete(self, name: str) -> None:
        with translate_errors():
            super().delete(name)

    def check(self) -> None:
        """Raise an OSError if the bucket does not respond, or is not there."""
        with translate_errors():
            self.client.head_bucket(Bucket=self.bucket_name)

    # Many objects at once

    def walk(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Give name and age of everything below a prefix, a thousand with each call."""
        start = self._normalize_name(prefix) + "/"
        own = len(start) - len(prefix) - 1  # of the location that all names here begin with
        with translate_errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=start
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield item["Key"][own:], item["LastModified"]

    def delete_prefix(self, prefix: str) -> None:
        """Remove everything below a prefix, and what of it is still arriving."""
        start = self._normalize_name(prefix) + "/"
        with suppress(FileNotFoundError):  # some servers' word for "none"
            self._abort_uploads(start)
        with translate_errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=start, PaginationConfig={"PageSize": BULK}
            )
            for page in pages:
                keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
                if not keys:
                    continue
                answer = self.client.delete_objects(
                    Bucket=self.bucket_name, Delete={"Objects": keys, "Quiet": True}
                )
                if errors := answer.get("Errors"):
                    raise BucketError(f"{len(errors)} objects were not removed: {errors[0]}")

    def _abort_uploads(self, start: str) -> None:
        with translate_errors():
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.bucket_name, Prefix=start
            )
            for page in pages:
                for upload in page.get("Uploads", []):
                    self.client.abort_multipart_upload(
                        Bucket=self.bucket_name, Key=upload["Key"], UploadId=upload["UploadId"]
                    )

    # Reading without holding a file in memory or on disk

    def stream(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Give the bytes of an object, or of a part of it, as they arrive."""
        last = "" if length is None else start + length - 1
        part = {} if not start and length is None else {"Range": f"bytes={start}-{last}"}
        with translate_errors():
            body = self.client.get_object(**self._where(name), **part)
            with closing(body["Body"]) as stream:
                yield from stream.iter_chunks(CHUNK)

    def fetch(self, name: str, target: Path, check: Callable[[], None]) -> None:
        """Write an object to a file, going on where an earlier try has ended.

        Args:
            check: called for every megabyte; what it raises ends the transfer.
        """
        size = self.size_of(name)
        with target.open("ab") as file:
            if file.tell() == size:
                return
            for chunk in self.stream(name, file.tell()):
                file.write(chunk)
                check()
            if file.tell() != size:
                raise BucketError(f"{name} ended after {file.tell()} of {size} bytes")

    def size_of(self, name: str) -> int:
        with translate_errors():
            return int(self.client.head_object(**self._where(name))["ContentLength"])

    # URLs for browsers

    def download_url(self, name: str, *, filename: str, content_type: str) -> str:
        """Return a URL that gives an object, for a short time, to whoever has it."""
        return self._signer.generate_presigned_url(
            "get_object",
            Params=self._where(name)
            | {
                "ResponseContentDisposition": content_disposition_header(True, filename),
                "ResponseContentType": content_type,
            },
            ExpiresIn=self.url_seconds,
        )

    def part_url(self, name: str, remote_id: str, number: int, length: int) -> str:
        """Return a URL that one part of this length may be PUT to."""
        return self._signer.generate_presigned_url(
            "upload_part",
            Params=self._where(name)
            | {"UploadId": remote_id, "PartNumber": number, "ContentLength": length},
            ExpiresIn=self.url_seconds,
        )

    # Uploads in parts

    def parts_begin(self, name: str) -> str:
        """Open an upload and return its id."""
        with translate_errors():
            return self.client.create_multipart_upload(**self._where(name))["UploadId"]

    def parts_received(self, name: str, remote_id: str) -> dict[int, tuple[int, str]]:
        """Return size and ETag of the parts that are there, by number.

        Raises:
            FileNotFoundError: the bucket has forgotten the upload, or it is an object by now.
        """
        with translate_errors():
            pages = self.client.get_paginator("list_parts").paginate(
                **self._where(name), UploadId=remote_id
            )
            return {
                part["PartNumber"]: (part["Size"], part["ETag"])
                for page in pages
                for part in page.get("Parts", [])
            }

    def parts_finish(self, name: str, remote_id: str, etags: dict[int, str]) -> None:
        """Make the parts one object."""
        patient = self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            config=self.client_config.merge(Config(read_timeout=FINISH_SECONDS)),
        )
        parts = [{"PartNumber": number, "ETag": etags[number]} for number in sorted(etags)]
        allow(FINISH_SECONDS)
        with translate_errors():
            patient.complete_multipart_upload(
                **self._where(name), UploadId=remote_id, MultipartUpload={"Parts": parts}
            )
