"""Keys of confirmation links: each is signed, names one registration and lasts three days."""

from uuid import UUID

from django.core import signing

from .models import Registration

SALT = "users.registration"
SECONDS = 3 * 24 * 3600


def registration_key(registration: Registration) -> str:
    """Return the key for the link of a registration."""
    return signing.dumps(registration.id.hex, salt=SALT)


def registration_find(key: str) -> Registration | None:
    """Return the registration that a key is for; None for a key that is old, used or made up."""
    try:
        identifier = UUID(signing.loads(key, salt=SALT, max_age=SECONDS))
    except signing.BadSignature:
        return None
    return Registration.objects.filter(id=identifier, user__is_active=True).first()
