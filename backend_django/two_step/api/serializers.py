"""Signing in with a code, and turning the second step on."""

from typing import Any

from rest_framework import serializers

from backend_django.api.serializers import TextField
from backend_django.users.api.confirm import OwnPasswordMixin, PasswordField
from backend_django.users.api.serializers import LoginSerializer as PasswordLoginSerializer

from ..services import app_is_on, mfa_is_on, second_step_check
from .second_step import PROBLEMS, CodeField, CredentialField, PasskeyField


class LoginSerializer(PasswordLoginSerializer):
    """Address and password; a code or a passkey as well for an account with two-step sign-in.

    Such an account is answered 403 `mfa_required`; the same call with `code` or `passkey` then
    signs in.
    """

    problems = PROBLEMS

    code = CodeField()
    passkey = PasskeyField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        form = second_step_check(
            user=attrs["user"], code=attrs.get("code", ""), passkey=attrs.get("passkey")
        )
        return attrs | {"mfa": form}

    def record(self) -> None:
        super().record()
        if form := self.validated_data["mfa"]:
            form.save()


class MfaSerializer(serializers.Serializer[Any]):
    """The state of the second step: is it required at sign-in?"""

    enabled = serializers.BooleanField()
    app = serializers.BooleanField(help_text="Whether it has an authenticator app.")
    recovery_codes_left = serializers.IntegerField(min_value=0)


class MfaProposalSerializer(serializers.Serializer[Any]):
    """A secret for an authenticator app. Nothing is on before a code has come back."""

    secret = serializers.CharField()
    url = serializers.CharField(help_text="otpauth://…, what the QR code says.")
    qr_svg = serializers.CharField()


class MfaActivateSerializer(OwnPasswordMixin, serializers.Serializer[Any]):
    """The proposed secret, the app's first code for it, and the password.

    With `passkey`, if the account has one.
    """

    problems = PROBLEMS

    password = PasswordField()
    passkey = PasskeyField()
    secret = serializers.RegexField(r"^[A-Z2-7]{32}$")
    code = serializers.CharField(max_length=20)

    def validate_password(self, password: str) -> str:
        return self.check_own_password(password)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user, passkey = self.context["request"].user, attrs.pop("passkey", None)
        if mfa_is_on(user) and not app_is_on(user):
            second_step_check(user=user, code="", passkey=passkey)
        return attrs


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """Shown once. Each works once, in place of a code of the app or a passkey.

    Empty when the account has some already.
    """

    recovery_codes = serializers.ListField(child=serializers.CharField())


class PasskeySerializer(serializers.Serializer[Any]):
    """A passkey, without what it is checked by."""

    id = serializers.IntegerField(read_only=True)
    name = TextField(max_length=60, source="data.name")
    created_at = serializers.DateTimeField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True, allow_null=True)


class PasskeyRenameSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=60)


class PasskeyOptionsSerializer(serializers.Serializer[Any]):
    """For `parseCreationOptionsFromJSON()` or `parseRequestOptionsFromJSON()` of the browser."""

    public_key = serializers.DictField()


class PasskeyAddSerializer(serializers.Serializer[Any]):
    """The passkey that the browser has created, and its name."""

    name = TextField(
        max_length=60,
        required=False,
        allow_blank=True,
        help_text="Empty: the browser's, “Firefox on Windows”.",
    )
    credential = CredentialField()


class PasskeyAddedSerializer(RecoveryCodesSerializer):
    """The passkey, with the recovery codes if it is the account's first second step."""

    passkey = PasskeySerializer()


class PasskeyLoginSerializer(serializers.Serializer[Any]):
    """The browser's response to `mfa/passkeys/challenge/`."""

    credential = CredentialField()
