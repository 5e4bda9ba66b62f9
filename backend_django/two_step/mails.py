"""Emails about the second step."""

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
        _(
            "Your account no longer asks for a second step at sign-in. The password alone is "
            "enough. It has no passkeys and no authenticator app any more."
        ),
    ),
    "app_added": (
        _("Your account has an authenticator app"),
        _("From now on codes of an authenticator app are accepted at sign-in as well."),
    ),
    "passkey_first": (
        _("Your account has a passkey, and two-step sign-in is on"),
        _(
            "A passkey was added to your account. It signs you in by itself; with your password, "
            "your account asks for it or for a recovery code. Other devices were signed out."
        ),
    ),
    "passkey_added": (
        _("Your account has a new passkey"),
        _("Another passkey was added to your account. It signs you in by itself."),
    ),
    "passkey_removed": (
        _("A passkey was removed"),
        _("A passkey of your account was removed. It no longer signs you in."),
    ),
    "recovery_codes": (
        _("You have new recovery codes"),
        _("New recovery codes were made for your account. The old ones no longer work."),
    ),
}
