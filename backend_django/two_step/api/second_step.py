"""What asks for a password asks for the code as well, of an account that has one."""

from typing import Any

from rest_framework import serializers

from ..services import code_check

PROBLEMS = {403: "The account asks for a code as well: `mfa_required`"}


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


class SecondStep(serializers.Serializer[Any]):
    """Base of what needs a code of an account with two-step sign-in."""

    problems = PROBLEMS

    code = CodeField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        code_check(user=self.context["request"].user, code=attrs.pop("code", ""))
        return attrs
