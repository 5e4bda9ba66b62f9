"""Production settings refuse what is not safe, in words."""

import os
import subprocess
import sys

import pytest

from tests.matrix import thin
from tests.stack import ROOT

GOOD = {
    "DJANGO_SECRET_KEY": "kJ8-Zq2_wX5vN1rT7yB4mC9sD3fG6hLpQaEiUoRtYxVzWnMbKjHgFdSa",
    "DJANGO_ALLOWED_HOSTS": "www.example.org",
    "DATABASE_URL": "postgres://u:p@db.example.org/x",
    "REDIS_URL": "redis://redis.example.org/0",
}


def check(**environment: str | None) -> subprocess.CompletedProcess[str]:
    merged = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "backend_django.config.settings.production",
    } | GOOD
    merged = {k: v for k, v in (merged | environment).items() if v is not None}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=merged, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_deployment_check_finds_nothing() -> None:
    done = check()
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "key",
    thin(
        [None, "", "dev", "change-me: not a secret", "django-insecure-" + "a1B2c3D4" * 8,
         "x" * 64, "changeme" * 8],
        every=4,
    ),
)  # fmt: skip
def test_missing_and_known_secrets_are_refused(key: str | None) -> None:
    done = check(DJANGO_SECRET_KEY=key)
    assert done.returncode != 0
    assert "DJANGO_SECRET_KEY is missing, too short or well known." in done.stderr
    assert "token_urlsafe" in done.stderr


@pytest.mark.slow
def test_hosts_must_be_named() -> None:
    done = check(DJANGO_ALLOWED_HOSTS=None)
    assert done.returncode != 0
    assert "DJANGO_ALLOWED_HOSTS" in done.stderr
