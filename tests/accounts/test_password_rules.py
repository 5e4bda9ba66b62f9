"""Which passwords are refused, for all doors by which one is chosen."""

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from backend_django.users.models import User

from .conftest import NEW, PASSWORD

NAME = settings.PROJECT.name.replace(" ", "")


@pytest.mark.parametrize(
    "password",
    [
        "Summer2026", "winter!2025", "P4ssw0rd!!", "P@$$w0rd2026", "Qwerty123!", "2026Summer",
        "welcome!!1", "monkeymonkey1", f"{NAME}1!", f"{NAME}2026", f"{NAME.lower()}{NAME.lower()}",
        "letmein_99", "12345678", "password", "ada@example",
    ],
)  # fmt: skip
def test_what_guessers_try_first_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, User(email="ada@example.org"))


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        NEW,
        "summer rain on a tin roof",
        "kT7-vq2Lm",
        "love839201847362",
        "Zq8!summer?fW2x",
    ],
)
def test_what_they_do_not_is_taken(password: str) -> None:
    validate_password(password, User(email="ada@example.org"))
