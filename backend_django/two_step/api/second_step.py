"""A second step for whatever asks for a password, for accounts that have one."""

import json
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from ..services import second_step_check

MAX_CREDENTIAL = 20_000  # characters of JSON; browsers send some 2,000
PROBLEMS = {403: "The account asks for a code or a passkey as well: `mfa_required`"}


class CodeField(serializers.CharField):
    """A code, where only some accounts have to give one."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            allow_blank=True,
            max_length=40,
            help_text=(
                "Of the authenticator app, or a recovery code. Asked for with `mfa_required`."
            ),
        )


class CredentialField(serializers.DictField):
    """A browser's response to WebAuthn's options, from `toJSON()`; its content is checked later."""

    def __init__(self, **options: Any) -> None:
        defaults = {"write_only": True, "help_text": "`PublicKeyCredential.toJSON()`."}
        super().__init__(**{**defaults, **options})

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if len(json.dumps(value)) > MAX_CREDENTIAL:
            raise serializers.ValidationError(_("This is too long for a passkey."))
        return value


class PasskeyField(CredentialField):
    """A passkey, where only some accounts have to give one, or a code."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            help_text="In place of `code`: what the browser answered to `mfa/passkeys/challenge/`.",
        )


class SecondStep(serializers.Serializer[Any]):
    """Base of what needs a code or a passkey of an account with two-step sign-in."""

    problems = PROBLEMS

    code = CodeField()
    passkey = PasskeyField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        second_step_check(
            user=self.context["request"].user,
            code=attrs.pop("code", ""),
            passkey=attrs.pop("passkey", None),
        )
        return attrs
