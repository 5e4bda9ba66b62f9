"""Teams over HTTP. A team that the caller is not in does not exist (404)."""

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import takes_no_body
from backend_django.policies import Action, check
from backend_django.users.api.account_views import AccountView
from backend_django.utils.site import page_url

from .. import services
from ..models import Invitation, Membership, Team
from .serializers import (
    InvitationSerializer,
    InviteSerializer,
    MemberSerializer,
    RoleSerializer,
    SentInvitationSerializer,
    TeamDetailSerializer,
    TeamSerializer,
    TeamWriteSerializer,
)


class TeamView(AccountView, generics.GenericAPIView[Team]):
    """Base: one of the caller's teams, or all."""

    serializer_class: Any = TeamSerializer
    queryset = Team.objects.none()  # for the type of <id> in the document

    def get_queryset(self) -> QuerySet[Team]:
        if not self.request.user.is_authenticated:  # the document is made without a caller
            return self.queryset
        own = Membership.objects.active().filter(user=self.user)
        return Team.objects.filter(memberships__in=own).select_related("account").annotate(
            role=F("memberships__role"), support_until=F("memberships__expires_at")
        )  # fmt: skip

    def get_team(self, id: Any, action: Action = Action.VIEW) -> Team:
        found = self.get_queryset().filter(id=id).first()
        if found is None:
            raise NotFound("There is no such team.")
        check(self.user, action, found)
        return found

    def detail(self, id: Any) -> dict[str, Any]:
        team: Any = self.get_team(id)
        team.members = team.memberships.active().select_related("user")
        owner = team.role == "owner"
        team.invitations_shown = team.invitations.all() if owner else []
        found = TeamSerializer(team).data
        context = {"request": self.request}
        return {
            **found,
            "members": MemberSerializer(team.members, many=True, context=context).data,
            "invitations": SentInvitationSerializer(team.invitations_shown, many=True).data,
        }


class TeamCreateView(TeamView):
    schema_action = "create"
    problems = {409: "The caller owns too many"}

    @extend_schema(request=TeamWriteSerializer, responses={201: TeamDetailSerializer})
    def post(self, request: Request) -> Response:
        """Create a team, whose owner is the caller."""
        team = services.team_create(user=self.user, **self.read(TeamWriteSerializer))
        return Response(self.detail(team.id), status=201)


class TeamListView(TeamView, generics.ListAPIView[Team]):
    schema_action = "list"
    is_list = True


class TeamDetailView(TeamView):
    schema_action = "detail"

    @extend_schema(responses=TeamDetailSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """A team with its members; for owners, with the invitations that are open."""
        return Response(self.detail(id))


class TeamUpdateView(TeamView):
    schema_action = "update"
    request_serializer_class = TeamWriteSerializer

    @extend_schema(request=TeamWriteSerializer, responses=TeamDetailSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Give a team another name."""
        team = self.get_team(id, Action.MANAGE)
        services.team_rename(team=team, **self.read(TeamWriteSerializer))
        return Response(self.detail(id))


class TeamDeleteView(TeamView):
    schema_action = "delete"
    problems = {409: "Others use something that belongs to it"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete a team with everything that belongs to it."""
        services.team_delete(team=self.get_team(id, Action.MANAGE))
        return Response(status=204)


class LeaveView(TeamView):
    schema_action = "leave"
    problems = {409: "It is the only owner"}

    @takes_no_body(responses={204: None})
    def post(self, request: Request, id: UUID) -> Response:
        """Leave a team. What the caller made for it stays with it."""
        team = self.get_team(id)
        services.membership_end(membership=team.memberships.get(user=self.user))
        return Response(status=204)


class InviteView(TeamView):
    schema_action = "invite"
    problems = {409: "They are a member, or the team is full"}
    request_serializer_class = InviteSerializer

    @extend_schema(request=InviteSerializer, responses={201: SentInvitationSerializer})
    def post(self, request: Request, id: UUID) -> Response:
        """Invite somebody by mail. Whoever is invited already gets another mail."""
        team = self.get_team(id, Action.MANAGE)
        data = self.read(InviteSerializer)
        self.limit("team_invite", user=self.user)
        invitation = services.invitation_create(
            team=team,
            user=self.user,
            origin=page_url(request=request._request),
            is_mailed=self.may_mail("team_invitation", data["email"]),
            **data,
        )
        return Response(SentInvitationSerializer(invitation).data, status=201)


class SentInvitationView(TeamView):
    schema_action = "withdraw"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID, invitation: UUID) -> Response:
        """Withdraw an invitation: it can't be accepted any more."""
        found = self.get_team(id, Action.MANAGE).invitations.filter(id=invitation).first()
        if found is None:
            raise NotFound("There is no such invitation.")
        services.invitation_delete(invitation=found)
        return Response(status=204)


class MemberView(TeamView):
    schema_action = {"patch": "member_update", "delete": "member_remove"}
    problems = {409: "The team would be left without an owner, or the member owns too many"}
    request_serializer_class = RoleSerializer

    def get_member(self, id: UUID, member: UUID) -> Membership:
        found = self.get_team(id, Action.MANAGE).memberships.filter(id=member).first()
        if found is None:
            raise NotFound("There is no such member.")
        return found

    @extend_schema(request=RoleSerializer, responses=MemberSerializer)
    def patch(self, request: Request, id: UUID, member: UUID) -> Response:
        """Give a member another role."""
        found = self.get_member(id, member)
        services.membership_update(membership=found, **self.read(RoleSerializer))
        return Response(MemberSerializer(found, context={"request": request}).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID, member: UUID) -> Response:
        """Take a member out of the team. What they made for it stays with it."""
        services.membership_end(membership=self.get_member(id, member))
        return Response(status=204)


class InvitationListView(AccountView, generics.ListAPIView[Invitation]):
    schema_action = "invitations"
    is_list = True
    serializer_class = InvitationSerializer
    queryset = Invitation.objects.none()

    def get_queryset(self) -> QuerySet[Invitation]:
        if not self.request.user.is_authenticated:  # the document is made without a caller
            return self.queryset
        return services.invitations_for(self.user)


class AcceptView(TeamView):
    schema_action = "accept"
    problems = {409: "The team would be left without an owner, or the caller owns too many"}

    @takes_no_body(responses=TeamDetailSerializer)
    def post(self, request: Request, id: UUID) -> Response:
        """Join a team that has invited the caller's email address."""
        services.invitation_accept(user=self.user, team_id=id)
        return Response(self.detail(id))


class DeclineView(TeamView):
    schema_action = "decline"

    @takes_no_body(responses={204: None})
    def post(self, request: Request, id: UUID) -> Response:
        """Turn an invitation down."""
        found = services.invitations_for(self.user).filter(team=id).first()
        if found is None:
            raise NotFound(services.NO_INVITATION)
        services.invitation_delete(invitation=found)
        return Response(status=204)
