"""Writes to teams, their members and their invitations. Each is in the audit trail."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from backend_django.audit.services import event_record
from backend_django.live.publish import RESET, publish_on_commit
from backend_django.mail.services import mail_queue
from backend_django.users.models import User
from backend_django.users.services import account_rows_delete
from backend_django.utils.errors import Conflict, NotFound
from backend_django.utils.messages import Message

from .models import Invitation, Membership, Role, Team

SUPPORT = timedelta(hours=1)  # how long staff act for a team that they have joined
NO_INVITATION = Message(
    "There is no such invitation. It may have been used or withdrawn, or it has expired: ask for "
    "another one."
)


def teams_of(user: Any) -> QuerySet[Team]:
    """Return the teams that a user is in."""
    members = Membership.objects.active().filter(user=user)
    return Team.objects.filter(id__in=members.values("team")).select_related("account")


def invitations_for(user: User) -> QuerySet[Invitation]:
    """Return the invitations to the address of a user, who has shown to read mails there."""
    confirmed = EmailAddress.objects.filter(user=user, email=user.email, verified=True)
    return Invitation.objects.filter(
        email__in=confirmed.values("email"), expires_at__gt=timezone.now()
    ).select_related("team__account", "invited_by")


@transaction.atomic
def team_create(*, user: User, name: str) -> Team:
    """Create a team with one member, who is its owner.

    Raises:
        Conflict: they own as many as one may.
    """
    _check_may_own_another(user.pk)
    team_id = uuid4()
    # The domain receives no mail (RFC 6761), and without a password nobody signs in.
    account = User.objects.create_user(
        f"team-{team_id}@teams.invalid", id=_next_account_id(), name=name
    )
    team = Team.objects.create(id=team_id, account=account)
    Membership.objects.create(team=team, user=user, role=Role.OWNER)
    _record("team_created", team, name)
    _refresh(user.pk)
    return team


def _check_may_own_another(user_id: Any) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user_id)  # one after the other
    own = Membership.objects.filter(user=user_id, role=Role.OWNER, expires_at=None)
    limit: int = settings.TEAMS_PER_USER  # type: ignore[misc]
    if own.count() >= limit:
        raise Conflict(
            Message("A user can be an owner of at most %(limit)s teams.", limit=limit), "too_many"
        )


def _check_role(membership: Membership | None, role: str, user_id: Any) -> None:
    """Refuse a role that leaves a team without an owner, or somebody with too many teams."""
    if role != Role.OWNER:
        if membership:
            _check_other_owner(membership)
        return
    is_owner = membership and membership.role == Role.OWNER and not membership.expires_at
    if settings.TEAMS_PER_USER and not is_owner:  # type: ignore[misc]  # 0: they are handed on
        _check_may_own_another(user_id)


def _next_account_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT -nextval(pg_get_serial_sequence(%s, 'id'))", [User._meta.db_table])
        return int(cursor.fetchone()[0])


def team_rename(*, team: Team, name: str) -> None:
    """Call a team something else."""
    with transaction.atomic():
        User.objects.filter(pk=team.account_id).update(name=name)
        _record("team_renamed", team, name)
        _refresh(*_member_ids(team))
    team.account.name = name


@transaction.atomic
def team_delete(*, team: Team) -> None:
    """Remove a team with everything that belongs to it: requests, files, rows, links.

    Raises:
        Conflict: others use something that belongs to it.
    """
    _record("team_deleted", team, team.name)
    _refresh(*_member_ids(team))
    account_rows_delete(account=team.account)


@transaction.atomic
def invitation_create(
    *, team: Team, email: str, role: str, user: User, origin: str, is_mailed: bool = True
) -> Invitation:
    """Ask somebody to join, by mail. Who is invited already is sent another mail.

    Args:
        is_mailed: false for an address that got a few of these just now, by whomever. It sees the
            invitation all the same where the links of those lead to.

    Raises:
        Conflict: they are a member, or the team is full.
    """
    _lock(team)
    if Membership.objects.active().filter(team=team, user__email=email).exists():
        raise Conflict(Message("%(email)s is a member already.", email=email), "is_member")
    others = Invitation.objects.filter(team=team).exclude(email=email)
    limit: int = settings.TEAM_MEMBERS  # type: ignore[misc]
    if team.memberships.count() + others.count() >= limit:
        raise Conflict(
            Message("A team can have at most %(limit)s members.", limit=limit), "too_many"
        )
    days: int = settings.TEAM_INVITATION_DAYS  # type: ignore[misc]
    invitation, _ = Invitation.objects.update_or_create(
        team=team,
        email=email,
        defaults={
            "role": role,
            "invited_by": user,
            "expires_at": timezone.now() + timedelta(days=days),
        },
    )
    content = {"invitation": str(invitation.id), "origin": origin}
    if is_mailed:
        mail_queue(kind="team_invitation", recipient=email, content=content)
    _record("team_invited", team, f"{email} as {role}" + ("" if is_mailed else ", without a mail"))
    _refresh(*User.objects.filter(email=email).values_list("pk", flat=True))
    return invitation


@transaction.atomic
def invitation_delete(*, invitation: Invitation) -> None:
    """Withdraw or decline an invitation: it can't be accepted any more."""
    Invitation.objects.filter(id=invitation.id).delete()
    _record("team_invitation_ended", invitation.team, invitation.email)
    _refresh(*User.objects.filter(email=invitation.email).values_list("pk", flat=True))


@transaction.atomic
def invitation_accept(*, user: User, team_id: Any) -> Membership:
    """Join a team that has invited the address of a user.

    Raises:
        NotFound: there is no such invitation, or no longer.
        Conflict: the team would be left without an owner, or they own as many as one may.
    """
    invitations = invitations_for(user).filter(team=team_id)
    if found := invitations.first():
        _lock(found.team)
        found = invitations.select_for_update(of=("self",)).first()
    if found is None:
        raise NotFound(NO_INVITATION)
    _check_role(found.team.memberships.filter(user=user).first(), found.role, user.pk)
    # Staff who help for a while may become a member for good.
    membership, _ = Membership.objects.update_or_create(
        team=found.team, user=user, defaults={"role": found.role, "expires_at": None}
    )
    found.delete()
    _record("team_joined", found.team, f"{user.email} as {found.role}")
    _refresh(*_member_ids(found.team))
    return membership


@transaction.atomic
def membership_update(*, membership: Membership, role: str) -> None:
    """Give a member another role.

    Raises:
        Conflict: the team would be left without an owner, staff helps for a while, or the member
            owns as many teams as one may.
    """
    _lock(membership.team)
    membership.refresh_from_db(fields=["role", "expires_at"])
    if membership.expires_at:
        raise Conflict("Staff helps for a while and has no role of its own.", "is_support")
    _check_role(membership, role, membership.user_id)
    Membership.objects.filter(id=membership.id).update(role=role)
    _record("team_role_changed", membership.team, f"{membership.user.email} to {role}")
    _refresh(*_member_ids(membership.team))
    membership.role = role


@transaction.atomic
def membership_end(*, membership: Membership) -> None:
    """Take a member out of a team. What they made for it stays with the team.

    Raises:
        Conflict: the team would be left without an owner.
    """
    _lock(membership.team)
    membership.refresh_from_db(fields=["role", "expires_at"])
    _check_other_owner(membership)
    member_ids = _member_ids(membership.team)
    membership.delete()
    _record("team_left", membership.team, membership.user.email)
    _refresh(*member_ids)


@transaction.atomic
def support_begin(*, team: Team, user: User) -> Membership:
    """Let staff act for a team for an hour, as an owner. Members see it, and the trail has it all.

    Raises:
        Conflict: they are a member.
    """
    _lock(team)
    if Membership.objects.filter(team=team, user=user, expires_at=None).exists():
        raise Conflict("You are a member of this team.", "is_member")
    until = timezone.now() + SUPPORT
    membership, _ = Membership.objects.update_or_create(
        team=team, user=user, defaults={"role": Role.OWNER, "expires_at": until}
    )
    _record("team_support_began", team, f"until {until:%Y-%m-%d %H:%M} UTC")
    _refresh(*_member_ids(team))
    return membership


def _lock(team: Team) -> None:
    """Let nobody else change the members of a team until this transaction has ended.

    What has expired is removed on this occasion; it counts for nothing anyway.
    """
    if not Team.objects.select_for_update(no_key=True).filter(id=team.id).first():
        raise NotFound
    for rows in (team.memberships, team.invitations):
        rows.filter(expires_at__lte=timezone.now()).delete()


def _check_other_owner(membership: Membership) -> None:
    if membership.role != Role.OWNER or membership.expires_at:
        return
    owners = Membership.objects.filter(team=membership.team, role=Role.OWNER, expires_at=None)
    if not owners.exclude(id=membership.id).exists():
        raise Conflict(
            "A team needs an owner. Make somebody else an owner first, or delete the team.",
            "last_owner",
        )


def _member_ids(team: Team) -> list[Any]:
    return list(Membership.objects.filter(team=team).values_list("user", flat=True))


def _refresh(*user_ids: Any) -> None:
    """Have the pages of these users read everything anew: what they may see has changed."""
    publish_on_commit(user_ids=user_ids, topic=RESET)


def _record(event: str, team: Team, detail: str) -> None:
    event_record(event=event, target=f"team {team.id}", detail=detail)
