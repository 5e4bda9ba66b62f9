"""The second step at sign-in: a code of an authenticator app, or a recovery code."""

from typing import Any


def configure(settings: dict[str, Any]) -> None:
    """Ask for the code wherever a password is asked for."""
    serializers = "backend_django.two_step.api.serializers"
    settings["INSTALLED_APPS"] += ["backend_django.two_step", "allauth.mfa"]
    settings["REST_AUTH"]["LOGIN_SERIALIZER"] = f"{serializers}.LoginSerializer"
    settings["ACCOUNT_SECOND_STEP"] = "backend_django.two_step.api.second_step.SecondStep"
    settings["MFA_ADAPTER"] = "backend_django.two_step.adapter.MFAAdapter"
    settings["MFA_SUPPORTED_TYPES"] = ["totp", "recovery_codes"]
    settings["MFA_TOTP_ISSUER"] = settings["PROJECT"].name
    settings["MFA_RECOVERY_CODE_COUNT"] = 10
