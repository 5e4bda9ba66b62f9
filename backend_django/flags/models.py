"""A flag, and for whom it is on."""

import hashlib
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from waffle.models import AbstractBaseFlag, AbstractUserFlag

from backend_django.policies import Action, owner_for


class Flag(AbstractUserFlag):
    """A flag of django-waffle, on for accounts that it names and for a stable share of all others.

    A name without a row is on when `FLAGS_ON` has it, and off otherwise.
    """

    # Of cookies and browsers; accounts are all that counts here.
    testing = rollout = languages = None  # type: ignore[assignment]
    superusers = models.BooleanField(default=False, help_text="On for superusers.")

    class Meta(AbstractUserFlag.Meta):
        ordering = ["name"]

    @classmethod
    def active_for(cls, user: Any, account: Any) -> list[str]:
        """Return the names of all flags that are on, sorted: by one query, past all caches.

        Args:
            user: who asks.
            account: for whom they act.
        """
        named = Q(users__in=[user.pk, account.pk]) | Q(groups__user=user.pk)
        rows = cls.objects.annotate(is_named=Exists(cls.objects.filter(named, pk=OuterRef("pk"))))
        on = {row.name: row._decide(user, account, row.is_named) for row in rows}
        return sorted(name for name in {*on, *settings.FLAGS_ON} if on.get(name, True))  # type: ignore[misc]

    def is_active(self, request: Any, read_only: bool = False) -> bool:
        """Return whether the flag is on for who sends a request and the account that they act for.

        Args:
            request: of Django or of Django REST framework; None where there is none, as in a mail.
            read_only: for django-waffle; nothing is ever written here.

        Raises:
            NoSuchAccount: the request names an account that the caller has nothing to do with.
        """
        if (known := self._for_everyone()) is not None:
            return known
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return False
        return self._is_on(user, owner_for(user, request, Action.VIEW))

    def is_active_for_user(self, user: Any) -> bool:
        """Return whether the flag is on for an account, where there is no request, as in a job."""
        known = self._for_everyone()
        return self._is_on(user, user) if known is None else known

    def _for_everyone(self) -> bool | None:
        if not self.pk:
            return self.name in settings.FLAGS_ON  # type: ignore[misc]
        return self.everyone

    def _is_on(self, user: Any, account: Any) -> bool:
        is_named = bool(self._get_user_ids() & {user.pk, account.pk}) or (
            bool(groups := self._get_group_ids()) and user.groups.filter(pk__in=groups).exists()
        )
        return self._decide(user, account, is_named)

    def _decide(self, user: Any, account: Any, is_named: bool) -> bool:
        by_role = AbstractBaseFlag.is_active_for_user(self, user)
        if self.everyone is not None:
            return bool(self.everyone)
        return bool(by_role) or is_named or self._place_of(account) < (self.percent or 0)

    def _place_of(self, account: Any) -> Decimal:
        """Return where an account stands among all, from 0 to 99.9: another place for each flag."""
        digest = hashlib.sha256(f"{self.name}:{account.pk}".encode()).digest()
        return Decimal(int.from_bytes(digest[:8]) % 1000) / 10
