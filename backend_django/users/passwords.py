"""Passwords that guessers try first, though they are in no list as they stand."""

import re
from functools import cached_property

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LOOKALIKES = str.maketrans("@4301!$57", "aaeoiisst")
AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
MAX_ADDED = 8  # characters: with more, they are a password of their own


class DecoratedWordValidator:
    """Refuses a common password or the product's name with a year, digits and signs around it.

    "Summer2026", "P4ssw0rd!!" and the like stand in every list of leaked passwords. Nothing is
    asked of others for that: the list is the one that comes with Django.
    """

    @cached_property
    def words(self) -> set[str]:
        project = settings.PROJECT
        own = {project.slug, *re.findall(r"\w+", project.name)}
        own |= {
            "".join(re.findall(r"[a-z]+", text.lower())) for text in (project.slug, project.name)
        }
        common: set[str] = CommonPasswordValidator().passwords
        return common | {word.lower() for word in own}

    def validate(self, password: str, user: object = None) -> None:
        lower = password.lower()
        for text in (lower, lower.translate(LOOKALIKES)):
            word = AROUND.sub("", text)
            once = re.fullmatch(r"(.+?)\1+", word)
            added = len(text) - len(word)
            if added <= MAX_ADDED and (once[1] if once else word) in self.words:
                raise ValidationError(
                    _(
                        "This is a word that many people use, with a little around it: "
                        "guessers try those first. A few words that do not belong together are "
                        "better."
                    ),
                    code="password_decorated_word",
                )

    def get_help_text(self) -> str:
        return _("Your password must be more than a common word with digits or signs around it.")
