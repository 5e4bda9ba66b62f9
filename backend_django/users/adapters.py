"""Glue between allauth and this product."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest

from backend_django.audit.services import Outcome, event_record
from backend_django.utils.client import client_address
from backend_django.utils.errors import LimitReached
from backend_django.utils.messages import Message

from .devices import device_find
from .limits import APP, seconds_to_wait

# An action of its own: the right code of one account clears the counts of allauth's "login_failed",
# and is not to let its owner go on with guesses at others.
ANY_ACCOUNT = ("login_failed_by_address", None)


class AccountAdapter(DefaultAccountAdapter):
    """Registration can be closed; what counts failures cannot be talked round."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.ACCOUNT_ALLOW_REGISTRATION

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the IP address to count by."""
        return client_address(request)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign in with a new session id, also whoever was signed in as the same user already."""
        request.session.cycle_key()
        super().login(request, user)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse a sign-in, by the right password too, after too many failures.

        They count by account and place, and by account alone with a higher limit. A place is a
        browser that the account has signed in with before, else an IP address: whoever knows the
        email only, and guesses from elsewhere, does not lock its owner out.
        """
        self._usages: list[Any] = []
        for action, key in (ANY_ACCOUNT, *self._failure_keys(request, credentials)):
            usage = ratelimit.consume(request, app=APP, action=action, key=key)
            if not usage:
                # What was counted so far counts on: a refused guess is a guess.
                email = str(credentials.get("email", ""))
                event_record(event="sign_in", outcome=Outcome.BLOCKED, email=email, detail=action)
                raise LimitReached(
                    retry_after=seconds_to_wait(request, action, key=key),
                    advice=Message(
                        "A new password, by “Forgot your password?”, lets you in at once."
                    ),
                )
            self._usages.append(usage)

    def _rollback_login_failed_rl_usage(self) -> None:
        for usage in self._usages:
            usage.rollback()

    def forgive_failures(self, request: HttpRequest, email: str) -> None:
        """Forget the failures of an account, from here and from everywhere."""
        for action, key in self._failure_keys(request, {"email": email}):
            ratelimit.clear(request, app=APP, action=action, key=key)

    @staticmethod
    def _failure_keys(
        request: HttpRequest, credentials: dict[str, Any]
    ) -> tuple[tuple[str, str], tuple[str, str]]:
        """Return action and key of each count. Nothing that the caller makes up is part of a key:
        allauth's own has the Host header, so that a guesser would start anew with every port.
        """
        email = str(credentials.get("email", "")).lower()
        device = device_find(request, email)
        place = f"{email} {device or client_address(request)}"
        return ("login_failed", place), ("login_failed_anywhere", place if device else email)
