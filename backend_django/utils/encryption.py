"""Encryption of secrets that are kept in the database.

With a dump or a backup alone, without DJANGO_SECRET_KEY, they tell nothing.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes


class DecryptionError(Exception):
    """It was encrypted with a key that is not among ours, or for another purpose."""


def encrypt(text: str, *, purpose: str) -> str:
    """Encrypt a text; only `decrypt` with the same purpose reads it."""
    return _fernet(purpose).encrypt(text.encode()).decode()


def decrypt(encrypted: str, *, purpose: str) -> str:
    """Return the text, also one that was encrypted with a former key (SECRET_KEY_FALLBACKS).

    Raises:
        DecryptionError: no key fits.
    """
    try:
        return _fernet(purpose).decrypt(encrypted).decode()
    except InvalidToken as error:
        raise DecryptionError("encrypted with another DJANGO_SECRET_KEY") from error


def _fernet(purpose: str) -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = (hashlib.sha256(f"{purpose} ".encode() + force_bytes(key)).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
