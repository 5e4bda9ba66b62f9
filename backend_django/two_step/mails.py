"""What is written to people about their second step."""

from backend_django.users.mails import NOTICES

NOTICES |= {
    "mfa_on": (
        "Two-step sign-in is on",
        "From now on your account asks for a code of your authenticator app at sign-in. Other "
        "devices were signed out.",
    ),
    "mfa_off": (
        "Two-step sign-in is off",
        "Your account no longer asks for a code at sign-in. The password alone is enough.",
    ),
    "recovery_codes": (
        "You have new recovery codes",
        "New recovery codes were made for your account. The old ones no longer work.",
    ),
}
