"""Two-step sign-in: a code of an authenticator app, a passkey, or a recovery code."""

from typing import Any

from backend_django.config.settings.environment import env


def configure(settings: dict[str, Any]) -> None:
    """Ask for the code wherever a password is asked for."""
    serializers = "backend_django.two_step.api.serializers"
    settings["INSTALLED_APPS"] += ["backend_django.two_step", "allauth.mfa"]
    settings["REST_AUTH"]["LOGIN_SERIALIZER"] = f"{serializers}.LoginSerializer"
    settings["ACCOUNT_SECOND_STEP"] = "backend_django.two_step.api.second_step.SecondStep"
    settings["MFA_ADAPTER"] = "backend_django.two_step.adapter.MFAAdapter"
    settings["MFA_SUPPORTED_TYPES"] = ["totp", "webauthn", "recovery_codes"]
    settings["MFA_TOTP_ISSUER"] = settings["PROJECT"].name
    settings["MFA_FORMS"] = {
        "authenticate": "backend_django.two_step.recovery.CodeForm",
        "authenticate_webauthn": "backend_django.two_step.webauthn.PasskeyForm",
    }
    settings["ACCOUNT_RATE_LIMITS"]["passkey"] = "30/m/ip"  # challenges, and sign-ins by one
    settings["MIDDLEWARE"] += ["backend_django.two_step.required.SecondStepMiddleware"]
    # Staff must set up two-step sign-in before the admin opens. `make run` requires it only if you
    # set this.
    settings["TWO_STEP_FOR_STAFF"] = env.bool("TWO_STEP_FOR_STAFF", default=True)
    # Everyone must set up two-step sign-in before anything else.
    settings["TWO_STEP_FOR_EVERYONE"] = env.bool("TWO_STEP_FOR_EVERYONE", default=False)


def configure_local(settings: dict[str, Any]) -> None:
    if "TWO_STEP_FOR_STAFF" not in env.ENVIRON:
        settings["TWO_STEP_FOR_STAFF"] = False


def configure_test(settings: dict[str, Any]) -> None:
    settings["TWO_STEP_FOR_STAFF"] = False
