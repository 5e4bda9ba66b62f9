"""The test suite: production's rules where they can hold, private servers, fast password hashing.

Reads no .env; tests/plugin.py gives the addresses of throw-away servers through the environment.
"""

import os

os.environ.setdefault("DJANGO_SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 4)
os.environ.setdefault("DJANGO_ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")

from .production import *  # isort: skip

APP_ENVIRONMENT = "test"
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
SESSION_COOKIE_NAME = "sessionid"
CSRF_COOKIE_NAME = "csrftoken"
DEVICE_COOKIE_NAME = "device"
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAIL_DELIVERY_BACKEND = env(
    "EMAIL_BACKEND", default="django.core.mail.backends.locmem.EmailBackend"
)
EMAIL_FILE_PATH = env("MAIL_DIR", default=None)
MAIL_RETRY_SECONDS = 1

# Tests ask as fast as they can; those of the limits set their own.
API_RATES = dict.fromkeys(API_RATES, "1000000/minute")

# Faults are seen within seconds instead of minutes; what is proved is the same.
PROCESSING_LEASE_SECONDS = 6
PROCESSING_HEARTBEAT_SECONDS = 1
PROCESSING_REAPER_SECONDS = 2
PROCESSING_STOP_GRACE_SECONDS = env.int("PROCESSING_STOP_GRACE_SECONDS", default=5)
PROCESSING_STORE_SECONDS = env.int("PROCESSING_STORE_SECONDS", default=10)
CELERY_BEAT_SCHEDULE["processing-reap"]["schedule"] = PROCESSING_REAPER_SECONDS
CELERY_BEAT_SCHEDULE["mail-send-due"]["schedule"] = 1
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
HTTP_CLIENT_INTERNAL_HOSTS = ["127.0.0.1"]  # by this name alone: "localhost" is refused
LOGGING["handlers"]["console"]["formatter"] = "plain"
LOGGING["loggers"]["httpx"] = {"level": "WARNING"}  # of tests, which look again and again
if TEST_STORAGE := env("TEST_STORAGE", default=""):
    STORAGES["default"] = {"BACKEND": TEST_STORAGE}
INSTALLED_APPS += env.list("TEST_APPS", default=["tests.wordcount.apps.WordCountConfig"])
configure_modules("configure_test", globals())
