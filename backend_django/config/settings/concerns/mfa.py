"""The second step at sign-in: a code of an authenticator app, or a recovery code."""

from .apps import PROJECT

MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = PROJECT.name
MFA_RECOVERY_CODE_COUNT = 10
