"""Teams, who is in them, and who is asked to be."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.deletion import CASCADE, ProtectedError
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from backend_django.utils.messages import Message


class Role(models.TextChoices):
    VIEWER = "viewer", _("viewer")
    EDITOR = "editor", _("editor")
    OWNER = "owner", _("owner")


def is_team(account_id: Any) -> bool:
    """Return whether an account is a team's, without a query: every change of a request asks."""
    return bool(account_id < 0)


class Team(models.Model):
    """An account that nobody signs in to: its members act for it.

    What a team has belongs to `account`, a row among the users with no password, an address that
    receives no mail, and a negative id. So whatever belongs to a person can belong to a team:
    requests, rows, quotas, turns in the queue (docs/decisions/0052).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="team"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def owner_id(self) -> Any:
        """The account for which one must be allowed to act: `policies.can(user, …, team)`."""
        return self.account_id


def keep_an_owner(collector: Any, field: Any, memberships: Any, using: str) -> None:
    """With a person go their memberships, unless a team would be left without an owner.

    Raises:
        ProtectedError
    """
    ids = [row.pk for row in memberships]
    with transaction.atomic(using=using):
        # As services do: two owners who go at once must not both count on the other.
        teams = Team.objects.using(using).filter(memberships__in=ids).order_by("id")
        list(teams.select_for_update(no_key=True, of=("self",)))
        owners = Membership.objects.using(using).filter(role=Role.OWNER, expires_at=None)
        for row in owners.filter(pk__in=ids):
            if not owners.filter(team=row.team_id).exclude(pk__in=ids).exists():
                raise ProtectedError("A team needs an owner.", {row})
    CASCADE(collector, field, memberships, using)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> "MembershipQuerySet":
        """Those that have not expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()))


class Membership(models.Model):
    """Somebody who acts for a team."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=keep_an_owner, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role)
    expires_at = models.DateTimeField(null=True, help_text="Of staff who help for a while.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="teams_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"

    @property
    def why_kept(self) -> Message:
        """The reason shown to a user who can't be deleted because of this team."""
        return Message(
            "You are the only owner of the team “%(team)s”. Make somebody else an owner, or delete "
            "the team, first.",
            team=self.team.name,
        )


class Invitation(models.Model):
    """Somebody is asked to join. Whoever reads mails at the address may, once, until it expires.

    There is no secret in the link that is mailed: it is the address of the account that counts.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(help_text="In lower case.")
    role = models.CharField(max_length=10, choices=Role)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["email"], name="teams_invited")]
        constraints = [models.UniqueConstraint(fields=["team", "email"], name="teams_invited_once")]

    def __str__(self) -> str:
        return f"{self.email} to {self.team}"
