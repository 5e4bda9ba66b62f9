"""The sessions of a user: noted at sign-in and while they are used, ended one by one.

The rows are allauth's (allauth.usersessions); it would write one at each request.
"""

import ipaddress
import logging
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions import middleware as sessions
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from backend_django.audit.services import event_record
from backend_django.utils.client import client_ip

from .languages import browser_language_note
from .models import User

logger = logging.getLogger(__name__)
MAX_SESSIONS = 50  # of a user: scripts that sign in each time would leave one behind each time
NOTED_EVERY = 60.0  # seconds
MAX_NOTED = 10_000
EXPIRY = "_session_expiry"  # where Django keeps what `set_expiry` was told
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox",
            "Chrome": "Chrome", "CriOS": "Chrome", "Safari": "Safari"}  # fmt: skip
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows",
           "Mac OS X": "macOS", "CrOS": "ChromeOS", "Linux": "Linux"}  # fmt: skip


def session_note(*, request: HttpRequest, user: Any) -> None:
    """Note that a session is used now, from where and with what: it is idle from now on."""
    address = client_ip(request)
    try:
        ipaddress.ip_address(address)
    except ValueError:  # a proxy that connects by a socket and says nothing of the client
        address = "0.0.0.0"  # noqa: S104 # nosec B104 (not listened at)
    longest: Any = UserSession._meta.get_field("user_agent")
    UserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user_id": user.pk,
            "ip": address,
            "user_agent": request.headers.get("User-Agent", "")[: longest.max_length],
            "last_seen_at": timezone.now(),
        },
    )
    if EXPIRY in request.session:  # else of an earlier release: it ends when it was to end then
        session: Any = request.session
        Session.objects.filter(session_key=session.session_key).update(
            expire_date=session.idle_until
        )


@receiver(user_logged_in)
def begin(request: HttpRequest, user: Any, **_: Any) -> None:
    """Note a new session and when it ends at the latest, and end the ones that were not used for
    longest beyond the limit.
    """
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    if not request.session.session_key:
        request.session.save()
    session_note(request=request, user=user)
    browser_language_note(request=request, user=user)
    for old in UserSession.objects.filter(user_id=user.pk).order_by("-last_seen_at")[MAX_SESSIONS:]:
        old.end()


def session_end(*, session: UserSession) -> None:
    """Sign out the browser that has this session."""
    event_record(event="session_ended", target=device(session.user_agent), detail=session.ip)
    session.end()


def sessions_of(user: User) -> list[UserSession]:
    """Return the sessions that are good still, the one used last first."""
    found = UserSession.objects.purge_and_list(user)
    return sorted(found, key=lambda session: session.last_seen_at, reverse=True)


def device(user_agent: str) -> str:
    """Return what a person would call it: "Firefox on Windows", or a script's own name."""

    def first(names: dict[str, str]) -> str:
        return next((name for mark, name in names.items() if mark in user_agent), "")

    browser, system = first(BROWSERS), first(SYSTEMS)
    if user_agent.startswith("Mozilla/") and (browser or system):
        return " on ".join(filter(None, [browser, system]))
    name = re.match(r"[\w.-]+", user_agent)
    return name[0][:40] if name else "Unknown"


class SessionMiddleware(sessions.SessionMiddleware):
    """Django's own, which leaves the cookie of a session that is over where it is.

    A call may be on its way while its browser gets another session, as at a new password. It is
    refused after that, and would take the new session's cookie away.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session = getattr(request, "session", None)
        if session is None or session.modified or not session.is_empty():
            return super().process_response(request, response)
        if session.accessed:
            patch_vary_headers(response, ("Cookie",))
        return response


class SeenMiddleware:
    """Note once a minute that a session is in use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._noted: dict[str, float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        try:
            self._note(request)
        except DatabaseError as error:  # the response is there already, and is what was asked for
            logger.warning("a session could not be noted: %s", type(error).__name__)
        return response

    def _note(self, request: HttpRequest) -> None:
        session, now = request.session, time.monotonic()
        key = session.session_key
        if not session.accessed or not key or self._noted.get(key, 0) > now:
            return
        if SESSION_KEY in session and request.user.is_authenticated:
            if len(self._noted) >= MAX_NOTED:
                self._noted.clear()
            idle = settings.SESSION_IDLE_SECONDS or NOTED_EVERY
            self._noted[key] = now + min(NOTED_EVERY, idle / 4)
            session_note(request=request, user=request.user)
