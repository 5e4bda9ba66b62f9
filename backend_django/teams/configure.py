"""Teams: how many there may be, and how large."""

from typing import Any

from backend_django.config.settings.environment import env


def configure(settings: dict[str, Any]) -> None:
    """Say what a team may have, and how often people may be invited."""
    # How many teams somebody may be an owner of; each has a quota of its own. With
    # 0 nobody creates any.
    settings["TEAMS_PER_USER"] = env.int("TEAMS_PER_USER", default=5)
    # How many members a team may have, those who are invited among them.
    settings["TEAM_MEMBERS"] = env.int("TEAM_MEMBERS", default=100)
    # How many days an invitation is good for.
    settings["TEAM_INVITATION_DAYS"] = env.int("TEAM_INVITATION_DAYS", default=7)
    settings["ACCOUNT_RATE_LIMITS"]["team_invite"] = "60/h/user"
