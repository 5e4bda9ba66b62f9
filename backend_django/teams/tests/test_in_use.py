"""Accounts of which others use something: teams and people, over HTTP and in the admin."""

from collections.abc import Callable

import pytest
from django.test import Client

from backend_django.bookings.tests.factories import make_booking, make_instrument
from backend_django.teams.models import Team
from backend_django.users.models import User

from .factories import make_person

As = Callable[..., Client]


@pytest.fixture(params=["team", "person"])
def account(request: pytest.FixtureRequest, team: Team, people: dict[str, User]) -> User:
    """Return an account with an instrument that somebody else has booked."""
    found = team.account if request.param == "team" else make_person("ada@example.org")
    make_booking(people["stranger"], instrument=str(make_instrument(found).id))
    return found


def test_an_account_stays_while_others_use_something_of_it(
    account: User, team: Team, people: dict[str, User], as_: As
) -> None:
    people["ada"] = account

    def delete() -> tuple[int, str]:
        if account == team.account:
            answer = as_("owner").delete(f"/api/v1/teams/delete/{team.id}/")
        else:
            body = {"password": "correct horse battery staple"}
            answer = as_("ada").post("/api/v1/auth/user/delete/", body, "application/json")
        return answer.status_code, answer.content.decode()

    status, said = delete()
    assert (status, '"in_use"' in said) == (409, True)
    assert "bookings" in said, "its owner sees none of them"
    assert "administrator" in said
    assert User.objects.filter(id=account.id).exists()
    people["stranger"].delete()
    assert delete()[0] == 204
    assert not User.objects.filter(id=account.id).exists()


def test_the_admin_says_which_team_stays(team: Team, people: dict[str, User]) -> None:
    make_booking(people["stranger"], instrument=str(make_instrument(team.account).id))
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.org", "correct horse battery"))
    form = {"action": "remove", "_selected_action": [str(team.id)]}
    answer = client.post("/admin/teams/team/", form, follow=True)
    assert answer.status_code == 200
    assert "River lab: Others use" in answer.content.decode()
    assert Team.objects.filter(id=team.id).exists()
