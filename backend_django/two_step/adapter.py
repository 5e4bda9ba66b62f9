"""How allauth and this product fit together where secrets of the second step are stored."""

import base64
import hashlib
import logging

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes

logger = logging.getLogger(__name__)
PREFIX = "fernet:"  # what does not begin with it was stored before secrets were encrypted


class MFAAdapter(DefaultMFAAdapter):
    """Secrets of apps and seeds of recovery codes are encrypted: whoever has the database, or a
    backup, without DJANGO_SECRET_KEY cannot make codes.
    """

    def encrypt(self, text: str) -> str:
        return PREFIX + _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        if not encrypted_text.startswith(PREFIX):
            return encrypted_text
        try:
            return _fernet().decrypt(encrypted_text.removeprefix(PREFIX)).decode()
        except InvalidToken:
            # With another key nobody's codes are right: a secret that nobody knows sees to that.
            logger.error("a second step was encrypted with another DJANGO_SECRET_KEY")
            return generate_totp_secret()


def _fernet() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = (hashlib.sha256(b"two_step " + force_bytes(key)).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
