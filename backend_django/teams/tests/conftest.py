from collections.abc import Callable

import pytest
from django.test import Client

from backend_django.teams.models import Team
from backend_django.users.models import User

from .factories import make_person, make_team


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """Return four people, by their roles in `team`; the stranger has none."""
    names = ("owner", "editor", "viewer", "stranger")
    return {name: make_person(f"{name}@example.org") for name in names}


@pytest.fixture
def team(people: dict[str, User]) -> Team:
    return make_team(**{role: user for role, user in people.items() if role != "stranger"})


@pytest.fixture
def as_(people: dict[str, User]) -> Callable[..., Client]:
    """Return the client of somebody, who acts for a team if one is given."""

    def client(who: str, team: Team | None = None) -> Client:
        found = Client(headers={"X-Act-For": str(team.id)} if team else None)
        found.force_login(people[who])
        return found

    return client
