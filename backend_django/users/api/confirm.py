"""Confirmation of the caller's identity before a serious action."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from backend_django.audit.services import Outcome, event_record

from ..limits import limit


class PasswordField(serializers.CharField):
    """A password as it was typed, spaces included."""

    def __init__(self, **options: Any) -> None:
        defaults = {"write_only": True, "trim_whitespace": False, "max_length": 128}
        super().__init__(**{**defaults, **options})


class OwnPasswordMixin:
    """For what a session that was left open must not be enough."""

    context: dict[str, Any]

    def check_own_password(self, password: str) -> str:
        user = self.context["request"].user
        limit(self.context["request"]._request, "reauthenticate", user=user)
        if not user.has_usable_password():
            raise ValidationError(
                _("Your account has no password yet. Choose one first: we send you a link for it."),
                code="no_password",
            )
        if not user.check_password(password):
            event_record(event="reauthenticate", outcome=Outcome.FAILURE)
            raise ValidationError(_("This is not your password."), code="wrong_password")
        return password


class NoSecondStep(serializers.Serializer[Any]):
    """The default of ACCOUNT_SECOND_STEP: base of what asks for a password, or makes a token.

    A module may name another, whose fields prove more.
    """
