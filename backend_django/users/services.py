"""Writes to accounts."""

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from .models import User


@transaction.atomic
def superuser_ensure(*, email: str, password: str) -> bool:
    """Create the superuser of the environment, with a verified address, when it is not there.

    An existing account is left alone, its password above all.

    Returns:
        Whether it was created.

    Raises:
        CommandError: the password is too weak.
    """
    if not email or User.objects.filter(email=email.lower()).exists():
        return False
    user = User(email=email.lower())
    try:
        validate_password(password, user)
    except ValidationError as error:
        reasons = " ".join(error.messages)
        raise CommandError(f"DJANGO_SUPERUSER_PASSWORD is not good enough. {reasons}") from error
    user = User.objects.create_superuser(email, password)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return True
