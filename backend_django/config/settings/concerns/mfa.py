"""The second step at sign-in: a code of an authenticator app, or a recovery code."""

MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Rootstock"
MFA_RECOVERY_CODE_COUNT = 10
