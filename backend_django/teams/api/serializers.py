from typing import Any

from rest_framework import serializers

from backend_django.api.serializers import TextField
from backend_django.users.api.serializers import AddressField

from ..models import Invitation, Membership, Role, Team


class TeamWriteSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=100, help_text="What people call it.")


class TeamSerializer(serializers.ModelSerializer[Team]):
    """A team of the caller's."""

    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.values, help_text="The caller's.")
    support_until = serializers.DateTimeField(
        allow_null=True, help_text="When the caller stops helping as staff; null for a member."
    )

    class Meta:
        model = Team
        fields = ["id", "name", "role", "support_until", "created_at"]


class MemberSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name", help_text="Empty when they gave none.")
    is_you = serializers.SerializerMethodField()
    support_until = serializers.DateTimeField(
        source="expires_at", allow_null=True, help_text="Of staff who help; null for a member."
    )

    class Meta:
        model = Membership
        fields = ["id", "email", "name", "role", "is_you", "support_until", "created_at"]

    def get_is_you(self, member: Membership) -> bool:
        return bool(member.user_id == self.context["request"].user.pk)


class SentInvitationSerializer(serializers.ModelSerializer[Invitation]):
    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "expires_at"]


class TeamDetailSerializer(TeamSerializer):
    members = MemberSerializer(many=True)
    invitations = SentInvitationSerializer(
        many=True, help_text="Those that nobody has accepted yet; owners see them."
    )

    class Meta(TeamSerializer.Meta):
        fields = [*TeamSerializer.Meta.fields, "members", "invitations"]


class InviteSerializer(serializers.Serializer[Any]):
    email = AddressField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.EDITOR)


class RoleSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An invitation to the caller."""

    id = serializers.UUIDField(source="team_id", help_text="Of the team.")
    name = serializers.CharField(source="team.name", help_text="Of the team.")
    invited_by = serializers.SerializerMethodField(help_text="Empty when they are gone.")

    class Meta:
        model = Invitation
        fields = ["id", "name", "role", "invited_by", "expires_at"]

    def get_invited_by(self, invitation: Invitation) -> str:
        user = invitation.invited_by
        return (user.name or user.email) if user else ""
