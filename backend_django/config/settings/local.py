"""A developer's machine: `make run`, `make dev`, `local.yml`."""

from .concerns import dotenv  # noqa: F401  (first: everything below reads the environment)

from .base import *  # isort: skip

DEBUG = env.bool("DJANGO_DEBUG", default=False)
APP_ENVIRONMENT = env("APP_ENVIRONMENT", default="local")

LOAD_DEV_FIXTURES = True

if DEBUG:
    INSTALLED_APPS = [*INSTALLED_APPS, "django_extensions"]  # runserver_plus

# Plain HTTP on a loopback address.
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
SESSION_COOKIE_NAME = "sessionid"
CSRF_COOKIE_NAME = "csrftoken"
DEVICE_COOKIE_NAME = "device"
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# Files are served from where they are built: no collectstatic between an edit and the page.
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

# A mail is a file in .data/mail, and a line in the log: no mail server is needed.
MAIL_DELIVERY_BACKEND = env(
    "EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend"
)
if MAIL_DELIVERY_BACKEND.endswith("filebased.EmailBackend"):
    EMAIL_FILE_PATH = str((ROOT / env("DATA_DIR", default=".data") / "mail").resolve())

LOGGING["handlers"]["console"]["formatter"] = "plain"

configure_modules("configure_local", globals())
