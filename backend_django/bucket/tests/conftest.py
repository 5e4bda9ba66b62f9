"""A real bucket to keep files in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .server import Bucket, a_bucket


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """An S3 server with a bucket."""
    with a_bucket(tmp_path_factory.mktemp("bucket")) as bucket:
        yield bucket


@pytest.fixture
def bucket(bucket_server: Bucket, settings: Any, tmp_path: Path) -> Bucket:
    """The same, and this process keeps its files there."""
    settings.STORAGES = settings.STORAGES | {"default": bucket_server.settings}
    settings.PROCESSING_WORK_DIR = str(tmp_path / "work")
    return bucket_server
