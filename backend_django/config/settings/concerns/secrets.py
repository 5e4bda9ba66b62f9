"""Secrets that are public knowledge are refused where it matters."""

import re

from django.core.exceptions import ImproperlyConfigured

KNOWN = re.compile(r"change.?me|insecure|secret.?key|example|password|^dev|^test$", re.IGNORECASE)


def require_own_secret(name: str, value: str) -> str:
    """Return the secret, or raise ImproperlyConfigured with the command that makes a good one."""
    if len(value) < 50 or len(set(value)) < 10 or KNOWN.search(value):
        raise ImproperlyConfigured(
            f"{name} is missing, too short or well known. Set it to the output of: "
            'python -c "import secrets; print(secrets.token_urlsafe(64))"'
        )
    return value
