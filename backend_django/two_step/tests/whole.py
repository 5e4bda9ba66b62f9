"""What tests of the whole product need to know of this module."""

from typing import Any

from allauth.mfa.models import Authenticator

ADDRESSES = {  # by who may call them, in the words of tests/security/addresses.py
    "open": r"/auth/mfa/passkeys/(challenge|login)/",
    "own": r"/auth/mfa(/[\w-]+)?/|/auth/mfa/passkeys/propose/",
    "object": r"/auth/mfa/passkeys/\{id\}/(remove/)?",
}
MAY_REFUSE_GOOD_FORM = "/auth/mfa/"
TAKES_NO_TOKEN = "/auth/mfa/passkeys/"
SIGNED_OUT_PAGE = "/login/code"


def _passkey(owner: Any) -> Authenticator:
    return Authenticator.objects.create(user=owner, type="webauthn", data={"name": "key"})


THINGS = {"/passkeys/": _passkey}  # by a part of the addresses that name one
