"""Accounts of which others use something stay: of teams and of people."""

from typing import Any

import pytest
from django.test import Client

from backend_django.bookings.tests.factories import make_booking, make_instrument
from backend_django.teams.models import Team
from backend_django.teams.tests.factories import make_team
from backend_django.users.models import User

from .conftest import PASSWORD, Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(ada: User) -> Team:
    return make_team(owner=ada)


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("eve@example.org", PASSWORD)


@pytest.mark.parametrize("of_team", [True, False])
def test_an_account_stays_while_others_use_something_of_it(
    signed_in: Visitor, ada: User, stranger: User, request: pytest.FixtureRequest, of_team: bool
) -> None:
    team: Team | None = request.getfixturevalue("team") if of_team else None
    account = team.account if team else ada
    make_booking(stranger, instrument=str(make_instrument(account).id))

    def delete() -> Any:
        if team:
            return signed_in.delete(f"/api/v1/teams/delete/{team.id}/")
        return signed_in.call("user/delete", password=PASSWORD)

    refused = delete()
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    said = refused.json()["detail"]
    assert "bookings. Ask them, or an administrator" in said, "their owner sees none of them"
    assert User.objects.filter(id=account.id).exists()
    stranger.delete()
    assert delete().status_code == 204
    assert not User.objects.filter(id=account.id).exists()


def test_the_admin_says_which_team_stays(team: Team, stranger: User) -> None:
    make_booking(stranger, instrument=str(make_instrument(team.account).id))
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.org", PASSWORD))
    form = {"action": "remove", "_selected_action": [str(team.id)]}
    answer = client.post("/admin/teams/team/", form, follow=True)
    assert answer.status_code == 200
    assert "River lab: Others use" in answer.content.decode()
    assert Team.objects.filter(id=team.id).exists()
