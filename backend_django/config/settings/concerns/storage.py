"""Uploads, results and static files."""

from typing import Any
from urllib.parse import urlsplit

from ..environment import BACKEND, ROOT, env

# Nobody gets a URL into MEDIA_ROOT: files leave through views that check whose they are.
MEDIA_ROOT = env("MEDIA_ROOT", default=str(BACKEND / "media"))

# An upload goes to PROCESSING_WORK_DIR as it arrives, never into memory.
FILE_UPLOAD_HANDLERS = ["backend_django.processing.temporary.LockedUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# A bucket is used when it is named; otherwise the folder above is. NAME_FILE works for the secrets.
AWS_STORAGE_BUCKET_NAME = env("AWS_STORAGE_BUCKET_NAME", default="")
# The region of the bucket.
AWS_S3_REGION_NAME = env("AWS_S3_REGION_NAME", default="us-east-1")
# The server as we reach it, and as browsers reach it. Amazon's own needs neither.
AWS_S3_ENDPOINT_URL = env("AWS_S3_ENDPOINT_URL", default="")
AWS_S3_PUBLIC_ENDPOINT_URL = env("AWS_S3_PUBLIC_ENDPOINT_URL", default=AWS_S3_ENDPOINT_URL)
# Without keys the machine's own role is used, where it has one.
AWS_ACCESS_KEY_ID = env("AWS_ACCESS_KEY_ID", default="")
AWS_SECRET_ACCESS_KEY = env("AWS_SECRET_ACCESS_KEY", default="")
# A prefix for everything in the bucket.
AWS_LOCATION = env("AWS_LOCATION", default="").strip("/")
# A signed URL for a part or a download is good for so long.
AWS_URL_SECONDS = env.int("AWS_URL_SECONDS", default=900)

# Downloads leave the bucket by a signed URL; with this they pass through us, where browsers cannot
# reach the bucket. Uploads of large files need it to be reached.
PROCESSING_STREAM_DOWNLOADS = env.bool("PROCESSING_STREAM_DOWNLOADS", default=False)
# Copies of results that are looked at, such as those behind a map; with a bucket only.
PROCESSING_CACHE_BYTES = env.int("PROCESSING_CACHE_BYTES", default=2 * 1024**3)

_AMAZON = f"https://s3.{AWS_S3_REGION_NAME}.amazonaws.com"
BUCKET_ORIGIN = ""  # of signed URLs, for the Content-Security-Policy
BUCKET_STORAGE: dict[str, Any] = {}
if AWS_STORAGE_BUCKET_NAME:
    BUCKET_STORAGE = {
        "BACKEND": "backend_django.processing.bucket.BucketStorage",
        "OPTIONS": {
            "bucket_name": AWS_STORAGE_BUCKET_NAME,
            "region_name": AWS_S3_REGION_NAME,
            "endpoint_url": AWS_S3_ENDPOINT_URL or _AMAZON,
            "public_endpoint_url": AWS_S3_PUBLIC_ENDPOINT_URL or _AMAZON,
            "addressing_style": "path" if AWS_S3_ENDPOINT_URL else "virtual",
            "access_key": AWS_ACCESS_KEY_ID or None,
            "secret_key": AWS_SECRET_ACCESS_KEY or None,
            "location": AWS_LOCATION,
            "url_seconds": AWS_URL_SECONDS,
            "default_acl": None,  # private: what the bucket's policy says
            "file_overwrite": False,
        },
    }
    if AWS_S3_PUBLIC_ENDPOINT_URL:
        BUCKET_ORIGIN = "://".join(urlsplit(AWS_S3_PUBLIC_ENDPOINT_URL)[:2])
    else:
        BUCKET_ORIGIN = _AMAZON.replace("://", f"://{AWS_STORAGE_BUCKET_NAME}.")

STORAGES: dict[str, dict[str, Any]] = {
    "default": BUCKET_STORAGE or {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "backend_django.utils.static_storage.StaticStorage"},
}

STATIC_URL = "/static/"
# Where `collectstatic` puts the files that are served.
STATIC_ROOT = env("STATIC_ROOT", default=str(BACKEND / "staticfiles"))
STATICFILES_DIRS: list[Any] = [BACKEND / "static"]
if (ROOT / "frontend_vue" / "dist").is_dir():
    STATICFILES_DIRS.append(("vue", ROOT / "frontend_vue" / "dist"))

# Every address has the content's hash, so the files without it are never asked for.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Other origins may read the files only where the page takes them from a CDN, which needs it.
WHITENOISE_ALLOW_ALL_ORIGINS = env("VITE_APP_STATIC_ROOT", default="/").startswith("http")

# Vite's names carry a hash of eight base64url characters, which WhiteNoise does not know.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/vue/assets/.+-[A-Za-z0-9_-]{8}\.\w+(\.map)?$"
