"""Writes to accounts."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.db.models import F, ProtectedError, RestrictedError
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import get_language

from backend_django.audit.services import event_record
from backend_django.mail.services import mail_queue
from backend_django.utils.errors import Conflict
from backend_django.utils.messages import Message

from .models import ApiToken, Registration, User
from .signals import account_leaving

MAX_TOKENS = 50
MAX_SIGN_IN_TOKENS = 10
ADDRESS_LOCK = 7_404  # first half of the keys of the advisory locks of addresses
LET_IN_BY = ("email", "password", "is_active", "sessions_ended")
SIGN_IN_TOKEN = "Sign-in"  # noqa: S105 (a name, not a secret)


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


def account_hold(*, user: User) -> None:
    """Let nobody else change an account until this transaction has ended.

    What a caller has proved, by a password above all, may be over: hashing takes long, and whoever
    has got the account back meanwhile must not find anything new that was made with the old one.

    Raises:
        Conflict: the account is not any more what the caller was let into.
    """
    now = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    if now is None or any(getattr(now, name) != getattr(user, name) for name in LET_IN_BY):
        raise Conflict("Your account has changed meanwhile. Sign in again.", "account_changed")


def address_hold(email: str) -> None:
    """Let nobody else make an account with this address until this transaction has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [ADDRESS_LOCK, email])


@transaction.atomic
def account_register(*, email: str, password: str, name: str, origin: str) -> None:
    """Make an account that waits for its address to be confirmed, and send the mail for it.

    Nobody learns whether the address had one: the caller hears nothing, the password is hashed and
    one mail is queued in any case, and only that mail says how things stand. An account whose
    address was never confirmed belongs to nobody yet: each registration waits for its own link.
    """
    user = User(email=email, name=name, browser_language=get_language() or "")
    user.set_password(password)
    address_hold(email)
    existing = User.objects.filter(email=email).first()
    if existing is None:
        try:
            with transaction.atomic():
                user.save()
                EmailAddress.objects.create(user=user, email=email, verified=False, primary=True)
        except IntegrityError:  # the admin made it a moment ago
            existing = User.objects.get(email=email)
    content = {"origin": origin, "registration": None}
    if existing is None or account_awaits_confirmation(existing):
        registration = Registration.objects.create(
            user=existing or user, password=user.password, name=name
        )
        content["registration"] = str(registration.id)
        User.objects.filter(id=registration.user_id).update(date_joined=timezone.now())
    mail_queue(kind="account_signup", recipient=email, content=content)
    event_record(event="registration", email=email)


def account_awaits_confirmation(user: User) -> bool:
    """Return whether nobody has confirmed the email of this account yet, nor used the account."""
    return (
        user.is_active
        and not user.is_staff
        and user.last_login is None
        and EmailAddress.objects.filter(user=user, email=user.email, verified=False).exists()
    )


@transaction.atomic
def registration_confirm(*, registration: Registration) -> bool:
    """Bring a registration into force: its password, its name, and the proof of the email.

    Returns:
        False when another link was followed first, or the account is in use by now.
    """
    user = User.objects.select_for_update().filter(id=registration.user_id, is_active=True).first()
    if user is None or not Registration.objects.filter(id=registration.id).exists():
        return False
    other_password = user.password != registration.password
    if user.last_login and other_password:
        return False
    address = EmailAddress.objects.filter(user=user, email=user.email, verified=False).first()
    if address is None or not address_confirm(address=address):
        return False
    if other_password:
        User.objects.filter(id=user.id).update(
            password=registration.password, name=registration.name
        )
    return True


@transaction.atomic
def address_confirm(*, address: EmailAddress) -> bool:
    """Note that the user reads mails at this address; False when another account does already.

    It voids the links of all registrations: whoever made them could not prove as much.
    """
    if address.verified:
        return True
    if not address.set_verified(commit=False):
        return False
    address.set_as_primary(conditional=True)
    address.save()
    Registration.objects.filter(user_id=address.user_id).delete()
    event_record(event="email_confirmed", target=address.email)
    return True


@transaction.atomic
def password_reset(*, user: User, token: str, password: str) -> bool:
    """Set a password for someone who followed the link in a mail, which also proves the address.

    Returns:
        False when the link is dead; of parallel uses all but one find it so.
    """
    locked = User.objects.select_for_update().filter(id=user.id, is_active=True).first()
    if locked is None or not default_token_generator.check_token(locked, token):
        return False
    _password_set(user, password)
    address, _ = EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"primary": True}
    )
    address_confirm(address=address)
    return True


@transaction.atomic
def password_change(*, user: User, password: str) -> None:
    """Set another password; other sessions and all tokens end with the old one.

    Raises:
        Conflict: somebody else has changed the account meanwhile.
    """
    account_hold(user=user)
    _password_set(user, password)


def _password_set(user: User, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    notice_send(user=user, kind="password_changed")


def address_forget(*, user: User) -> None:
    """Forget by which addresses an account was known before its present one, at Google as well."""
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
    SocialAccount.objects.filter(user=user).delete()


def account_update(*, user: User, **values: str) -> None:
    """Change the name or the language, and nothing else: what was read may be of yesterday."""
    for name, value in values.items():
        setattr(user, name, value)
    User.objects.filter(pk=user.pk).update(**values)


def notice_send(*, user: User, kind: str) -> None:
    """Tell the user by mail (mails.py) what was done to the account, by whomever."""
    mail_queue(kind="account_notice", recipient=user.email, content={"what": kind})


def sessions_end(*, user: User) -> None:
    """Sign a user out wherever they are signed in. Tokens stay."""
    User.objects.filter(pk=user.pk).update(sessions_ended=F("sessions_ended") + 1)
    user.refresh_from_db(fields=["sessions_ended"])
    event_record(event="sessions_ended", target=user.email)


@transaction.atomic
def account_delete(*, user: User) -> None:
    """Remove an account and what belongs to it: requests, files, tokens, sessions.

    Raises:
        Conflict: nobody would be left who can manage the product, or something that a module has,
            or somebody else has changed the account meanwhile.
    """
    account_hold(user=user)
    if user.is_superuser:
        others = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
        if not others.exclude(id=user.id).exists():
            raise Conflict("This is the only administrator. Make another one first.")
    notice_send(user=user, kind="account_deleted")
    event_record(event="account_deleted", target=user.email)
    account_rows_delete(account=user)


@transaction.atomic
def account_rows_delete(*, account: User) -> None:
    """Remove a row of the users, a person or not, with all that belongs to it.

    Raises:
        Conflict: something that a module has keeps it, or others use something that belongs to it.
    """
    rows: Iterable[Any]
    # What there is first, as a worker that ends a request locks that before its owner; then, once
    # there can be no more of it, what was added in between.
    account_leaving.send(User, account=account)
    User.objects.select_for_update().filter(pk=account.pk).first()
    account_leaving.send(User, account=account)
    try:
        account.delete()
    except ProtectedError as error:
        rows = error.protected_objects
    except RestrictedError as error:
        rows = error.restricted_objects
    else:
        return
    # By a row of a module that says why and what to do, or by those of others, who alone see them.
    if said := [row.why_kept for row in rows if hasattr(row, "why_kept")]:
        raise Conflict(said[0], "in_use")
    kinds = sorted({str(row._meta.verbose_name_plural) for row in rows})
    raise Conflict(
        Message(
            "Others use what belongs to this account: %(rows)s. Ask them, or an "
            "administrator, to delete these first.",
            rows=", ".join(kinds),
        ),
        "in_use",
    )


@transaction.atomic
def token_create(
    *,
    user: User,
    name: str,
    scope: str = ApiToken.Scope.WRITE,
    kinds: Sequence[str] = (),
    expires_at: datetime | None = None,
    from_sign_in: bool = False,
) -> tuple[ApiToken, str]:
    """Create a token.

    Args:
        kinds: the features that it opens, as in their URLs; none: whatever the user may do.

    Returns:
        The token, and its key, which can never be told again.

    Raises:
        Conflict: there are too many already, or somebody else has changed the account meanwhile.
    """
    account_hold(user=user)
    own = ApiToken.objects.filter(user=user, from_sign_in=from_sign_in)
    if from_sign_in:
        # Scripts that sign in each time would leave one behind each time.
        kept = own.order_by(Coalesce("last_used_at", "created_at").desc())[: MAX_SIGN_IN_TOKENS - 1]
        own.exclude(id__in=list(kept.values_list("id", flat=True))).delete()
    elif own.count() >= MAX_TOKENS:
        raise Conflict(
            Message(
                "You have %(max_tokens)s tokens. Revoke one that you no longer use.",
                max_tokens=MAX_TOKENS,
            )
        )
    key = secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=ApiToken.digest_of(key),
        hint=key[:6],
        scope=scope,
        kinds=list(kinds),
        expires_at=expires_at,
        from_sign_in=from_sign_in,
    )
    event_record(
        event="token_created",
        actor=user,
        target=f"{token.hint}… {name}",
        detail=token.limits,
    )
    return token, key


def token_revoke(*, token: ApiToken) -> None:
    """End a token: what comes with it is refused from now on."""
    ApiToken.objects.filter(id=token.id).delete()
    event_record(event="token_revoked", target=f"{token.hint}… {token.name}")


def accounts_purge_unconfirmed() -> int:
    """Remove accounts whose address nobody confirmed in time, and nobody used; return how many.

    Otherwise somebody could sit on the address of somebody else for ever.
    """
    if not settings.ACCOUNT_UNCONFIRMED_DAYS:
        return 0
    old = timezone.now() - timedelta(days=settings.ACCOUNT_UNCONFIRMED_DAYS)
    unused = User.objects.filter(
        date_joined__lt=old,
        last_login__isnull=True,
        is_staff=False,
        emailaddress__verified=False,
    ).exclude(emailaddress__verified=True)
    ids = list(unused.values_list("id", flat=True)[:1000])
    User.objects.filter(id__in=ids).delete()
    return len(ids)
