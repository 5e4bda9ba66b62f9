"""A team, for the tests that ask every address as everybody (tests/security)."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.utils import timezone

from backend_django.teams.models import Invitation, Membership, Role, Team
from backend_django.teams.services import team_create
from backend_django.users.models import User

# Open to its members alone, as things of an owner; to answer an invitation needs none.
MANAGED = ["PATCH /teams/update/{id}/", "DELETE /teams/delete/{id}/"]


def make_person(email: str) -> User:
    """Return somebody who has confirmed their address."""
    user = User.objects.create_user(email, "correct horse battery staple")
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_team(**members: User) -> Team:
    """Return a team of its own making, with these members by their roles."""
    team = team_create(user=members["owner"], name="River lab")
    for role in (Role.EDITOR, Role.VIEWER):
        if role in members:
            Membership.objects.create(team=team, user=members[role], role=role)
    return team


def make_objects(owner: User) -> dict[str, str]:
    """Return the parameters of the addresses of a team with two members, and of invitations."""
    for earlier in Team.objects.filter(memberships__user=owner):
        earlier.account.delete()  # one may own few
    team = team_create(user=owner, name=f"team of {owner.pk}")
    number = User.objects.count()
    member = Membership.objects.create(
        team=team, user=make_person(f"member{number}@example.org"), role=Role.VIEWER
    )
    EmailAddress.objects.get_or_create(user=owner, email=owner.email, defaults={"verified": True})
    tomorrow = timezone.now() + timedelta(days=1)
    _, other = (
        Invitation.objects.create(team=team, email=email, role=Role.VIEWER, expires_at=tomorrow)
        for email in (owner.email, f"invited{number}@example.org")
    )
    return {"id": str(team.id), "member": str(member.id), "invitation": str(other.id)}
