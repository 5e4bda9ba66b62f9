"""Events that Django and allauth announce themselves."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from .services import Outcome, event_record


@receiver(user_logged_in)
def record_sign_in(user: Any, **_: Any) -> None:
    event_record(event="sign_in", actor=user)


@receiver(user_login_failed)
def record_refused_sign_in(credentials: dict[str, Any], **_: Any) -> None:
    email = str(credentials.get("email") or credentials.get("username") or "")
    event_record(event="sign_in", outcome=Outcome.FAILURE, email=email, detail="wrong password")


@receiver(user_logged_out)
def record_sign_out(user: Any, **_: Any) -> None:
    if user is not None and user.pk:  # none: the session was over, or the account is deleted
        event_record(event="sign_out", actor=user)
