"""The permissions of members for their teams: the one rule that `policies` asks."""

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet

from backend_django.audit.services import event_record
from backend_django.policies import Action
from backend_django.users.models import User

from .models import Membership, Role, is_team

logger = logging.getLogger(__name__)
ROLES = {
    Action.VIEW: [Role.VIEWER, Role.EDITOR, Role.OWNER],
    Action.EDIT: [Role.EDITOR, Role.OWNER],
    Action.MANAGE: [Role.OWNER],
}


class TeamRules:
    """A `policies.Delegation`."""

    def owners(self, user_id: Any, action: Action) -> QuerySet[Any]:
        return self._of(user_id, action).values("team__account")

    def allows(self, user_id: Any, action: Action, owner_id: Any) -> bool:
        found = self._of(user_id, action).filter(team__account=owner_id).first()
        if found and found.expires_at and action != Action.VIEW:
            event_record(
                event="team_acted_for", target=f"team {found.team_id}", detail=f"as staff: {action}"
            )
        return found is not None

    def people(self, owner_ids: Iterable[Any]) -> dict[Any, list[Any]]:
        teams = [each for each in owner_ids if is_team(each)]
        if not teams:
            return {}
        rows = Membership.objects.active().filter(team__account__in=teams)
        found: dict[Any, list[Any]] = {}
        try:
            for owner_id, user_id in rows.values_list("team__account", "user"):
                found.setdefault(owner_id, []).append(user_id)
        except (DatabaseError, InterfaceError):  # nobody's call is to fail by an announcement
            logger.exception("members were not told of a change")
        return found

    def account(self, user_id: Any, named: str) -> User | None:
        try:
            team_id = UUID(named)
        except ValueError:
            return None
        found = self._of(user_id, Action.VIEW).filter(team=team_id)
        row = found.select_related("team__account").first()
        return row.team.account if row else None

    def _of(self, user_id: Any, action: Action) -> QuerySet[Membership]:
        return Membership.objects.active().filter(user=user_id, role__in=ROLES[action])
