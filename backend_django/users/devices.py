"""Browsers that have signed in before, so that guesses made elsewhere do not lock their owner out.

A signed cookie says which accounts have signed in with this browser ("device cookies", OWASP). It
opens nothing: failures made with it are counted apart from those of everybody else.
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

SALT = "users.device"
SECONDS = 365 * 24 * 3600
MAX_ACCOUNTS = 5


def device_find(request: HttpRequest, email: str) -> str | None:
    """Return the id of the browser when the account has signed in with it before."""
    device = _read(request)
    return device["id"] if _account(email) in device["accounts"] else None


def device_remember(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Set the cookie that lets this browser be known again for the account."""
    device, account = _read(request), _account(email)
    others = [known for known in device["accounts"] if known != account]
    value = {"id": device["id"], "accounts": [account, *others][:MAX_ACCOUNTS]}
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(value, salt=SALT),
        max_age=SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> dict[str, Any]:
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        device: dict[str, Any] = signing.loads(cookie, salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        return {"id": secrets.token_urlsafe(12), "accounts": []}
    return device


def _account(email: str) -> str:
    return salted_hmac(SALT, email.lower(), algorithm="sha256").hexdigest()[:22]
