"""The contract of the API goes into a bucket, and a version is never replaced there."""

from pathlib import Path

import pytest

from scripts.contract import publish
from scripts.environment import UsageError

from .server import KEY, NAME, SECRET, Bucket


def test_contract_goes_into_a_bucket(
    bucket_server: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(folder: Path) -> None:
        (folder / "openapi-1.0.0.json").write_text(document)
        (folder / publish.LATEST).write_text(document)

    monkeypatch.setattr(publish, "make", make)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", bucket_server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    address, there = f"s3://{NAME}/api/contract", bucket_server.directory / "data" / NAME
    document = "{}"
    assert publish.publish(address) == ["latest.json", "openapi-1.0.0.json"]
    assert (there / "api/contract/openapi-1.0.0.json").read_text() == "{}"
    assert publish.publish(address) == []
    document = "[]"
    with pytest.raises(UsageError, match="Raise the version"):
        publish.publish(address)
    assert (there / "api/contract/latest.json").read_text() == "{}"
    with pytest.raises(UsageError, match="NoSuchBucket"):
        publish.publish("s3://none/api")
