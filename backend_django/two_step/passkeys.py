"""Adding, renaming and removing passkeys. A passkey is a second step, and signs in by itself."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from backend_django.audit.services import event_record
from backend_django.users.models import User
from backend_django.users.services import account_hold, notice_send
from backend_django.utils.errors import Conflict, Invalid
from backend_django.utils.messages import Message

from .services import NOT_ACCEPTED, mfa_deactivate, mfa_is_on, second_step_begin
from .webauthn import NotAccepted, check_creation, creation_options, passkeys_of

MAX_PASSKEYS = 20
# Of the browser's response; what else it says is not kept.
KEPT = ("id", "rawId", "type", "response", "clientExtensionResults")


def passkey_propose(*, user: User) -> dict[str, Any]:
    """Return what the browser makes a passkey from. Nothing is stored but a challenge.

    Raises:
        Conflict: there are too many already.
    """
    _check_room(user)
    return creation_options(user)


def passkey_add(
    *, user: User, name: str, credential: dict[str, Any]
) -> tuple[Authenticator, list[str]]:
    """Store the passkey that a browser has made from a proposal.

    The first second step of an account ends what the password alone had opened.

    Returns:
        The passkey, and the recovery codes if the account had no second step before.

    Raises:
        Invalid: it is not what was proposed, or the proposal is too old.
        Conflict: there are too many already.
    """
    try:
        check_creation(user, credential)
    except NotAccepted as error:
        raise Invalid(fields={"credential": NOT_ACCEPTED}) from error
    with transaction.atomic():
        account_hold(user=user)
        _check_room(user)
        is_first = not mfa_is_on(user)
        kept = {part: credential[part] for part in KEPT if part in credential}
        passkey = Authenticator.objects.create(
            user=user, type=Authenticator.Type.WEBAUTHN, data={"name": name, "credential": kept}
        )
        codes = second_step_begin(user=user) if is_first else []
        notice_send(user=user, kind="passkey_first" if is_first else "passkey_added")
        event_record(event="passkey_added", target=name)
    return passkey, codes


@transaction.atomic
def passkey_rename(*, passkey: Authenticator, name: str) -> None:
    """Give a passkey another name."""
    locked = Authenticator.objects.select_for_update().get(pk=passkey.pk)
    locked.data["name"] = name
    locked.save(update_fields=["data"])
    passkey.data = locked.data


@transaction.atomic
def passkey_remove(*, passkey: Authenticator) -> None:
    """Remove a passkey. Without any other second step, two-step sign-in is off."""
    user = User.objects.select_for_update().get(pk=passkey.user_id)
    passkey.delete()
    event_record(event="passkey_removed", target=passkey.data["name"])
    if mfa_is_on(user):
        notice_send(user=user, kind="passkey_removed")
    else:
        mfa_deactivate(user=user)


def _check_room(user: User) -> None:
    if passkeys_of(user).count() >= MAX_PASSKEYS:
        raise Conflict(
            Message(
                "You have %(max_passkeys)s passkeys. Remove one that you no longer use.",
                max_passkeys=MAX_PASSKEYS,
            )
        )
