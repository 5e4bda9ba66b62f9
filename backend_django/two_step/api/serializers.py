"""Signing in with a code, and turning the second step on."""

from typing import Any

from rest_framework import serializers

from backend_django.users.api.confirm import OwnPasswordMixin, PasswordField
from backend_django.users.api.serializers import LoginSerializer as PasswordLoginSerializer

from ..services import code_check
from .second_step import PROBLEMS, CodeField


class LoginSerializer(PasswordLoginSerializer):
    """Address and password; a code as well for an account with two-step sign-in.

    Such an account is answered 403 `mfa_required`; the same call with `code` then signs in.
    """

    problems = PROBLEMS

    code = CodeField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        return attrs | {"mfa": code_check(user=attrs["user"], code=attrs.get("code", ""))}

    def record(self) -> None:
        super().record()
        if form := self.validated_data["mfa"]:
            form.save()


class MfaSerializer(serializers.Serializer[Any]):
    """Whether the account asks for a code at sign-in."""

    enabled = serializers.BooleanField()
    recovery_codes_left = serializers.IntegerField(min_value=0)


class MfaProposalSerializer(serializers.Serializer[Any]):
    """A secret for an authenticator app. Nothing is on before a code has come back."""

    secret = serializers.CharField()
    url = serializers.CharField(help_text="otpauth://…, what the QR code says.")
    qr_svg = serializers.CharField()


class MfaActivateSerializer(OwnPasswordMixin, serializers.Serializer[Any]):
    """The proposed secret, the app's first code for it, and the password."""

    password = PasswordField()
    secret = serializers.RegexField(r"^[A-Z2-7]{32}$")
    code = serializers.CharField(max_length=20)

    def validate_password(self, password: str) -> str:
        return self.check_own_password(password)


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """Shown once. Each works once, in place of a code of the app."""

    recovery_codes = serializers.ListField(child=serializers.CharField())
