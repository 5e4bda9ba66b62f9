"""A signed identity for calls between our own processes, which have no user.

`X-Service-Identity` says who calls whom, by which method and path. It is signed with SECRET_KEY,
is good for half a minute, for one call, and for nothing else.
"""

import secrets
import time

from django.core import signing
from django.core.cache import caches

from backend_django.utils.errors import Denied

HEADER = "X-Service-Identity"
MAX_AGE_SECONDS = 30
SALT = "service-identity"


class NotAService(Denied):
    """The identity is missing, forged, too old, used before, or for another call."""

    code = "not_a_service"
    message = "Only services of this installation may call this."


def identity_sign(*, caller: str, audience: str, method: str, path: str) -> str:
    """Return the value of the header for one call.

    Args:
        caller, audience: names of services: "django", "fastapi".
    """
    call = [caller, audience, method.upper(), path, secrets.token_hex(16)]
    return signing.dumps(call, salt=SALT)


def identity_verify(value: str, *, audience: str, method: str, path: str) -> str:
    """Return the name of the service that makes a call.

    Raises:
        NotAService
    """
    try:
        caller, *call, nonce = signing.loads(value, salt=SALT, max_age=MAX_AGE_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise NotAService from error
    if call != [audience, method.upper(), path]:
        raise NotAService
    if signing.b62_decode(value.rsplit(":", 2)[1]) > time.time() + MAX_AGE_SECONDS:
        raise NotAService  # by a clock that is ahead: it would be good for longer than it is kept
    # Kept for longer than it is good, so that no clock lets it in again; in the database, which all
    # processes share, as Redis may be away.
    if not caches["default"].add(f"{SALT}:{nonce}", 1, 3 * MAX_AGE_SECONDS):
        raise NotAService
    return str(caller)
