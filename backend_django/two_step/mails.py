"""What is written to people about their second step."""

from django.utils.translation import gettext_noop as _

from backend_django.users.mails import NOTICES

NOTICES |= {
    "mfa_on": (
        _("Two-step sign-in is on"),
        _(
            "From now on your account asks for a code of your authenticator app at "
            "sign-in. Other devices were signed out."
        ),
    ),
    "mfa_off": (
        _("Two-step sign-in is off"),
        _("Your account no longer asks for a code at sign-in. The password alone is enough."),
    ),
    "recovery_codes": (
        _("You have new recovery codes"),
        _("New recovery codes were made for your account. The old ones no longer work."),
    ),
}
