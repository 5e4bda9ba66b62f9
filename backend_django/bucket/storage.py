"""A bucket as the product's storage (backend_django/files/protocol.py)."""

from pathlib import Path

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from backend_django.files.refs import FileRef

from . import cache, downloads
from .objects import Bucket
from .parts import BucketParts


class BucketStorage(Bucket):
    """A storage that is not a folder: what it must answer beside what a bucket can do."""

    def chunk_store(self) -> BucketParts:
        return BucketParts(self)

    def local_copy(self, name: str, size: int) -> Path:
        return cache.local_copy(self, name, size)

    def response(self, request: HttpRequest, file: FileRef) -> HttpResponseBase:
        return downloads.response(self, request, file)
