"""Another email for an account: asked for with the password, proved with a link to the new one."""

from dataclasses import asdict, dataclass

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from backend_django.audit.services import event_record
from backend_django.mail.services import mail_queue

from .models import User
from .services import account_awaits_confirmation, address_forget, address_hold, notice_send

SALT = "users.email_change"
SECONDS = 24 * 3600


@dataclass(frozen=True)
class EmailChange:
    """A change that a link confirms. `proof` is of the password that it was asked for with: another
    password voids the link, so that whoever lost the account for an hour gets it back whole.
    """

    user_id: int
    old: str
    new: str
    proof: str

    @property
    def key(self) -> str:
        return signing.dumps(asdict(self), salt=SALT)


def _proof_of(user: User) -> str:
    return salted_hmac(SALT, user.get_session_auth_hash()).hexdigest()[:32]


def email_change_find(key: str) -> EmailChange | None:
    """Return what a key is for; None for a key that is old or made up."""
    try:
        return EmailChange(**signing.loads(key, salt=SALT, max_age=SECONDS))
    except signing.BadSignature:
        return None


@transaction.atomic
def email_change_request(*, user: User, email: str, origin: str, is_mailed: bool = True) -> None:
    """Send a link to the new email, and word of it to the old one.

    Only the mail says whether the new email has an account already.

    Args:
        is_mailed: false for a new email that got a few of these just now, by whomever.
    """
    change = EmailChange(user.pk, user.email, email, _proof_of(user))
    if is_mailed:
        mail_queue(
            kind="account_email_change",
            recipient=email,
            content={"origin": origin, "change": asdict(change)},
        )
    notice_send(user=user, kind="email_change_asked")
    event_record(
        event="email_change_asked", target=email, detail="" if is_mailed else "without a mail"
    )


@transaction.atomic
def email_change_confirm(*, change: EmailChange) -> bool:
    """Bring a change into force.

    An account that waits for the new email to be confirmed gives way: whoever follows the link has
    proved to own that email, and whoever registered with it has not.

    Returns:
        False when the link is dead: the email or the password is another by now, or taken.
    """
    user = User.objects.select_for_update().filter(pk=change.user_id, is_active=True).first()
    if user is None or user.email != change.old:
        return False
    if not constant_time_compare(_proof_of(user), change.proof):
        return False
    address_hold(change.new)
    existing = User.objects.filter(email=change.new).first()
    if existing is not None:
        if not account_awaits_confirmation(existing):
            return False
        existing.delete()
    notice_send(user=user, kind="email_changed")  # to the old one
    user.email = change.new
    user.save(update_fields=["email"])
    address_forget(user=user)
    EmailAddress.objects.create(user=user, email=change.new, verified=True, primary=True)
    event_record(event="email_changed", target=change.new, detail=f"before: {change.old}")
    return True
