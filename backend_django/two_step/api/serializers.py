"""What asks for a password asks for the code as well, of an account that has one."""

from typing import Any

from rest_framework import serializers

from backend_django.users.api.serializers import ConfirmSerializer as PasswordConfirmSerializer
from backend_django.users.api.serializers import LoginSerializer as PasswordLoginSerializer

from ..services import code_check

PROBLEMS = {403: "The account asks for a code as well: `mfa_required`"}


class LoginSerializer(PasswordLoginSerializer):
    """Address and password; a code as well for an account with two-step sign-in.

    Such an account is answered 403 `mfa_required`; the same call with `code` then signs in.
    """

    problems = PROBLEMS

    code = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=20,
        help_text="Of the authenticator app, or a recovery code. Asked for with `mfa_required`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        return attrs | {"mfa": code_check(user=attrs["user"], code=attrs.get("code", ""))}

    def record(self) -> None:
        super().record()
        if form := self.validated_data["mfa"]:
            form.save()


class ConfirmSerializer(PasswordConfirmSerializer):
    """The password, and a code for an account with two-step sign-in."""

    problems = PROBLEMS

    code = serializers.CharField(required=False, allow_blank=True, max_length=20)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        code_check(user=self.context["request"].user, code=attrs.get("code", ""))
        return attrs


class MfaSerializer(serializers.Serializer[Any]):
    """Whether the account asks for a code at sign-in."""

    enabled = serializers.BooleanField()
    recovery_codes_left = serializers.IntegerField(min_value=0)


class MfaProposalSerializer(serializers.Serializer[Any]):
    """A secret for an authenticator app. Nothing is on before a code has come back."""

    secret = serializers.CharField()
    url = serializers.CharField(help_text="otpauth://…, what the QR code says.")
    qr_svg = serializers.CharField()


class MfaActivateSerializer(PasswordConfirmSerializer):
    """The proposed secret, the app's first code for it, and the password."""

    secret = serializers.RegexField(r"^[A-Z2-7]{32}$")
    code = serializers.CharField(max_length=20)


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """Shown once. Each works once, in place of a code of the app."""

    recovery_codes = serializers.ListField(child=serializers.CharField())
