"""Checks of the bucket for `manage.py check --deploy`."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

HALF = {
    "AWS_ACCESS_KEY_ID": "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY": "AWS_ACCESS_KEY_ID",
}
ADDRESSES = ("AWS_S3_ENDPOINT_URL", "AWS_S3_PUBLIC_ENDPOINT_URL")


@checks.register(checks.Tags.files, deploy=True)
def check_bucket(**_: Any) -> list[checks.CheckMessage]:
    """Look for settings of a bucket that cannot work together."""
    found: list[checks.CheckMessage] = []
    if not settings.AWS_STORAGE_BUCKET_NAME:  # type: ignore[misc]
        alone = [name for name in ADDRESSES if getattr(settings, name)]
        if alone:
            found.append(
                checks.Warning(
                    f"{alone[0]} is set, but AWS_STORAGE_BUCKET_NAME is not: files go to the "
                    "folder MEDIA_ROOT.",
                    hint="Set AWS_STORAGE_BUCKET_NAME, or remove the other AWS_ settings.",
                    id="bucket.W001",
                )
            )
        return found
    for name, other in HALF.items():
        if getattr(settings, name) and not getattr(settings, other):
            found.append(
                checks.Error(
                    f"{name} is set, but {other} is not.",
                    hint=f"Set {other} or {other}_FILE. Set neither to use the machine's own role.",
                    id="bucket.E001",
                )
            )
    for name in ADDRESSES:
        value = getattr(settings, name)
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
            found.append(
                checks.Error(
                    f"{name} is no address: {value}",
                    hint="Write it like https://s3.example.org, without the bucket's name.",
                    id="bucket.E002",
                )
            )
    public = settings.AWS_S3_PUBLIC_ENDPOINT_URL  # type: ignore[misc]
    if public.startswith("http://") and settings.SECURE_SSL_REDIRECT:
        found.append(
            checks.Warning(
                "AWS_S3_PUBLIC_ENDPOINT_URL is plain http: a page that came by https may not send "
                "files there.",
                hint="Give the address by which browsers reach the bucket over https.",
                id="bucket.W002",
            )
        )
    return found
