"""Teams: how many there may be, and how large."""

from typing import Any

from backend_django.config.settings.environment import env


def configure(settings: dict[str, Any]) -> None:
    """Say what a team may have, and how often people may be invited."""
    # Teams that one user may own; each has its own quota. With 0 nobody can create any.
    settings["TEAMS_PER_USER"] = env.int("TEAMS_PER_USER", default=5)
    # Members of a team, including invited ones.
    settings["TEAM_MEMBERS"] = env.int("TEAM_MEMBERS", default=100)
    # How long an invitation is valid.
    settings["TEAM_INVITATION_DAYS"] = env.int("TEAM_INVITATION_DAYS", default=7)
    settings["ACCOUNT_RATE_LIMITS"]["team_invite"] = "60/h/user"
