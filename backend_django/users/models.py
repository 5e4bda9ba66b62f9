"""The user: known by email address, without a user name; and the tokens of a user's scripts."""

import hashlib
from functools import cache
from typing import Any, ClassVar
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from backend_django.audit.services import event_record
from backend_django.utils.prepared import fetch_row


class UserManager(BaseUserManager["User"]):
    """Makes users. Addresses are stored in lower case: people do not tell them apart."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("a user needs an email address")
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **fields, is_staff=True, is_superuser=True)

    def get(self, *args: Any, **kwargs: Any) -> "User":
        """Return one user; by the key alone with a statement that is composed and planned once.

        Django asks so at each call with a session, and composing it costs most of that.
        """
        is_filtered = type(self).get_queryset is not BaseUserManager.get_queryset
        if args or kwargs.keys() != {"pk"} or self._db or is_filtered:
            return super().get(*args, **kwargs)
        statement, columns = _query_by_key(self.model)
        row = fetch_row(statement, [self.model._meta.pk.get_prep_value(kwargs["pk"])])
        if row is None:
            raise self.model.DoesNotExist(f"There is no user {kwargs['pk']}.")
        return self.model.from_db(connection.alias, columns, row)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


@cache
def _query_by_key(model: type["User"]) -> tuple[str, list[str]]:
    """Return the query for a user by key, and its columns."""
    statement, _ = model._base_manager.filter(pk=0).query.sql_with_params()
    return str(statement), [field.attname for field in model._meta.concrete_fields]


class User(AbstractUser):
    """An account."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(max_length=150, blank=True)
    language = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text="Of the app, errors and emails. Empty: the browser's.",
    )
    browser_language = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="What the browser asked for at the last sign-in: for emails without a choice.",
    )
    sessions_ended = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="How often they were, all at once."
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        # One that nobody signs in to (decision 52) has an address that tells nobody anything.
        return self.name if self.pk and self.pk < 0 else self.email

    _password: str | None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new password, whoever set it and wherever, ends what the old one opened.

        Sessions end by themselves, as they carry a hash of the password. (Django sets `_password`
        for a new password, and not when it only hashes the old one again.)
        """
        changed = self._password is not None and self.pk is not None
        super().save(*args, **kwargs)
        if changed:
            event_record(event="password_changed", target=self.email)
            self.api_tokens.all().delete()
            self.registrations.all().delete()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what ties a session to this user: a hash of the password, and of this number."""
        return f"{super()._get_session_auth_hash(secret)}{self.sessions_ended or ''}"  # type: ignore[misc]

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class Registration(models.Model):
    """A sign-up whose email was not confirmed yet: what its confirmation link brings into force.

    The same email may be registered several times, by its owner and by others. Each has its own
    password and its own link; the first link that is followed wins, and voids the others.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="registrations"
    )
    password = models.CharField(max_length=128, help_text="Hashed.")
    name = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"registration of {self.user_id} at {self.created_at:%Y-%m-%d %H:%M}"


class ApiToken(models.Model):
    """An API token, sent as `Authorization: Token <key>`. The key itself is not stored."""

    class Scope(models.TextChoices):
        READ = "read", "read only"
        WRITE = "write", "read and write"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key.")
    hint = models.CharField(max_length=6, help_text="The first characters of the key.")
    scope = models.CharField(
        max_length=5, choices=Scope, default=Scope.WRITE, db_default=Scope.WRITE
    )
    kinds = ArrayField(  # no JSONField: authentication reads it without Django's converters
        models.CharField(max_length=100),
        default=list,
        db_default=[],
        help_text="The features that it opens, as in their URLs. Empty: whatever its owner may do.",
    )
    from_sign_in = models.BooleanField(default=False, help_text="Made by auth/login/.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, help_text="Null: it does not expire.")
    last_used_at = models.DateTimeField(null=True, help_text="To the minute.")

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}"

    @property
    def limits(self) -> str:
        """The token's permissions in English, for the audit trail and the admin."""
        of = f" of {', '.join(self.kinds)} only" if self.kinds else ""
        until = f"until {self.expires_at:%Y-%m-%d}" if self.expires_at else "does not expire"
        return f"{self.Scope(self.scope).label}{of}, {until}"

    @staticmethod
    def digest_of(key: str) -> str:
        """A plain hash is enough: the key is 256 random bits, there is nothing to guess."""
        return hashlib.sha256(key.encode()).hexdigest()
