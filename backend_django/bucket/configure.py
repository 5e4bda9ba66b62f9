"""A bucket for uploads and results."""

from typing import Any
from urllib.parse import urlsplit

from backend_django.config.settings.environment import env

# The bucket. Without it, files are in the folder MEDIA_ROOT.
AWS_STORAGE_BUCKET_NAME = env("AWS_STORAGE_BUCKET_NAME", default="")
# The region of the bucket.
AWS_S3_REGION_NAME = env("AWS_S3_REGION_NAME", default="us-east-1")
# The S3 server's URL. Amazon's own needs none.
AWS_S3_ENDPOINT_URL = env("AWS_S3_ENDPOINT_URL", default="")
# Its URL for browsers, if that is another one.
AWS_S3_PUBLIC_ENDPOINT_URL = env("AWS_S3_PUBLIC_ENDPOINT_URL", default=AWS_S3_ENDPOINT_URL)
# The access key. Without keys, the machine's own role is used.
AWS_ACCESS_KEY_ID = env("AWS_ACCESS_KEY_ID", default="")
# The secret of the access key.
AWS_SECRET_ACCESS_KEY = env("AWS_SECRET_ACCESS_KEY", default="")
# A prefix for everything in the bucket.
AWS_LOCATION = env("AWS_LOCATION", default="").strip("/")
# How long a signed URL of a chunk or a download is valid.
AWS_URL_SECONDS = env.int("AWS_URL_SECONDS", default=900)

# Makes downloads pass through web, if browsers can't reach the bucket. Uploads of large files need
# it to be reachable.
PROCESSING_STREAM_DOWNLOADS = env.bool("PROCESSING_STREAM_DOWNLOADS", default=False)
# Local copies of results in use, such as those behind a map.
PROCESSING_CACHE_BYTES = env.int("PROCESSING_CACHE_BYTES", default=2 * 1024**3)


def storage() -> dict[str, Any]:
    """The bucket as one of Django's STORAGES."""
    amazon = f"https://s3.{AWS_S3_REGION_NAME}.amazonaws.com"
    return {
        "BACKEND": "backend_django.bucket.storage.BucketStorage",
        "OPTIONS": {
            "bucket_name": AWS_STORAGE_BUCKET_NAME,
            "region_name": AWS_S3_REGION_NAME,
            "endpoint_url": AWS_S3_ENDPOINT_URL or amazon,
            "public_endpoint_url": AWS_S3_PUBLIC_ENDPOINT_URL or amazon,
            "addressing_style": "path" if AWS_S3_ENDPOINT_URL else "virtual",
            "access_key": AWS_ACCESS_KEY_ID or None,
            "secret_key": AWS_SECRET_ACCESS_KEY or None,
            "location": AWS_LOCATION,
            "url_seconds": AWS_URL_SECONDS,
            "default_acl": None,  # private: what the bucket's policy says
            "file_overwrite": True,  # our names are unique: nothing to ask before each upload
        },
    }


def origin() -> str:
    """Return the origins of signed URLs, for the Content-Security-Policy."""
    if AWS_S3_PUBLIC_ENDPOINT_URL:
        return "://".join(urlsplit(AWS_S3_PUBLIC_ENDPOINT_URL)[:2])
    return f"https://{AWS_STORAGE_BUCKET_NAME}.s3.{AWS_S3_REGION_NAME}.amazonaws.com"


def configure(settings: dict[str, Any]) -> None:
    """Put the bucket in the place of the folder, when it is named."""
    settings |= {name: value for name, value in globals().items() if name.isupper()}
    settings["INSTALLED_APPS"].append("backend_django.bucket")
    if AWS_STORAGE_BUCKET_NAME:
        settings["STORAGES"]["default"] = storage()
        # Large uploads go straight into the bucket, and downloads come from it.
        for directive in ("img-src", "connect-src"):
            settings["CONTENT_SECURITY_POLICY"]["DIRECTIVES"][directive].append(origin())
