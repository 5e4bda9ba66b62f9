"""Glue between allauth and this product for storing secrets of the second step."""

import logging

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret

from backend_django.utils.encryption import DecryptionError, decrypt, encrypt

logger = logging.getLogger(__name__)
PREFIX = "fernet:"  # what does not begin with it was stored before secrets were encrypted
PURPOSE = "two_step"


class MFAAdapter(DefaultMFAAdapter):
    """Secrets of apps are encrypted: whoever has the database, or a backup, without
    DJANGO_SECRET_KEY cannot make codes.
    """

    def encrypt(self, text: str) -> str:
        return PREFIX + encrypt(text, purpose=PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        if not encrypted_text.startswith(PREFIX):
            return encrypted_text
        try:
            return decrypt(encrypted_text.removeprefix(PREFIX), purpose=PURPOSE)
        except DecryptionError:
            # With another key nobody's codes are right: a secret that nobody knows sees to that.
            logger.error("a second step was encrypted with another DJANGO_SECRET_KEY")
            return generate_totp_secret()
