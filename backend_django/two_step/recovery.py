"""Recovery codes, of which the database has hashes alone: whoever reads it cannot use them.

A code has 120 random bits, for which a fast hash is enough (OWASP ASVS 5.0, 6.5.2).
"""

import re
import secrets
from hashlib import sha256

from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from django.db import transaction

from backend_django.users.models import User

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is read as something else
GROUPS, GROUP = 6, 4  # AB2C-…: as long as a product key
COUNT = 10


class CodeForm(AuthenticateForm):
    """Checks a code of an app, or a recovery code as its owner has it."""

    def clean_code(self) -> str:
        self.cleaned_data["code"] = _as_stored(self.cleaned_data["code"])
        return str(super().clean_code())


@transaction.atomic
def recovery_codes_create(*, user: User) -> list[str]:
    """Replace the recovery codes of a user by new ones, which nobody can read again."""
    codes = ["-".join(_random_group() for _ in range(GROUPS)) for _ in range(COUNT)]
    kind = Authenticator.Type.RECOVERY_CODES
    Authenticator.objects.filter(user=user, type=kind).delete()
    # allauth's place for codes that were not made of its seed; it compares them as they are here.
    data = {"migrated_codes": [_as_stored(code) for code in codes]}
    Authenticator.objects.create(user=user, type=kind, data=data)
    return codes


def _random_group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP))


def _as_stored(code: str) -> str:
    """Hash a recovery code. Digits are an app's code, or one of allauth's own from earlier."""
    if code.isdecimal():
        return code
    plain = re.sub(r"[\s-]", "", code).upper()
    return sha256(plain.encode(errors="replace")).hexdigest()
