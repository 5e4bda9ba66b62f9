"""Uploads, results and static files."""

from typing import Any

from ..environment import BACKEND, ROOT, env
from .base_path import BASE_PATH

# The folder of uploads and results. It has no URL: views serve files to those who may have them.
MEDIA_ROOT = env("MEDIA_ROOT", default=str(BACKEND / "media"))

# An upload goes to PROCESSING_WORK_DIR as it arrives, never into memory.
FILE_UPLOAD_HANDLERS = ["backend_django.files.temporary.LockedUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "backend_django.utils.static_storage.StaticStorage"},
}

STATIC_URL = f"{BASE_PATH}/static/"
# Where `collectstatic` puts the files to serve.
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
