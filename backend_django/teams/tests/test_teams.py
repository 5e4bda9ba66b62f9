"""Members, roles and invitations, over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from backend_django.audit.models import AuditEvent
from backend_django.mail.emails import write
from backend_django.mail.models import Mail
from backend_django.processing.models import ProcessingRequest
from backend_django.teams.models import Invitation, Membership, Team
from backend_django.teams.services import support_begin, team_create
from backend_django.users.models import User
from backend_django.users.services import account_delete
from backend_django.utils.errors import Conflict
from tests.stack import wait_for

from .factories import make_person, make_team

pytestmark = pytest.mark.slow

As = Callable[..., Client]
JSON = "application/json"


def members(client: Client, team: Team) -> dict[str, dict[str, Any]]:
    found = client.get(f"/api/v1/teams/detail/{team.id}/").json()["members"]
    return {one["email"].partition("@")[0]: one for one in found}


def invite(client: Client, team: Team, email: str, role: str = "editor") -> Any:
    body = {"email": email, "role": role}
    return client.post(f"/api/v1/teams/invite/{team.id}/", body, content_type=JSON)


def invited(client: Client) -> list[str]:
    return [one["id"] for one in client.get("/api/v1/teams/invitations/list/").json()["results"]]


def accept(client: Client, team: Team) -> int:
    return client.post(f"/api/v1/teams/accept/{team.id}/").status_code


def test_whoever_creates_a_team_owns_it(as_: As, settings: Any) -> None:
    settings.TEAMS_PER_USER = 1
    made = as_("owner").post("/api/v1/teams/create/", {"name": "Delta"}, content_type=JSON)
    assert made.status_code == 201
    assert (made.json()["name"], made.json()["role"]) == ("Delta", "owner")
    listed = as_("owner").get("/api/v1/teams/list/").json()["results"]
    assert [one["id"] for one in listed] == [made.json()["id"]]
    more = as_("owner").post("/api/v1/teams/create/", {"name": "More"}, content_type=JSON)
    assert (more.status_code, more.json()["code"]) == (409, "too_many")


def test_nobody_signs_in_as_a_team(team: Team) -> None:
    assert not team.account.has_usable_password()
    assert team.account.email.endswith(".invalid")


def test_an_invitation_is_good_once_for_its_address(team: Team, as_: As) -> None:
    assert invite(as_("owner"), team, "Stranger@Example.org").status_code == 201
    mail = Mail.objects.get(kind="team_invitation")
    letter = write(mail.kind, mail.recipient, mail.content)
    assert letter is not None
    assert letter.to == ["stranger@example.org"]
    assert "River lab" in letter.subject
    assert "/account" in letter.body

    assert invited(as_("viewer")) == []
    assert accept(as_("viewer"), team) == 404
    assert invited(as_("stranger")) == [str(team.id)]
    assert accept(as_("stranger"), team) == 200
    assert members(as_("stranger"), team)["stranger"]["role"] == "editor"
    assert accept(as_("stranger"), team) == 404, "used twice"
    assert write(mail.kind, mail.recipient, mail.content) is None


def test_a_stranger_gets_three_mails_however_many_invite(
    team: Team, people: dict[str, User], as_: As
) -> None:
    other = team_create(user=people["viewer"], name="Delta")
    for client, inviting in ((as_("owner"), team), (as_("viewer"), other)):
        for _ in range(2):
            assert invite(client, inviting, "stranger@example.org").status_code == 201
    assert Mail.objects.filter(kind="team_invitation").count() == 3
    last = AuditEvent.objects.filter(event="team_invited").latest("id")
    assert last.detail == "stranger@example.org as editor, without a mail"
    assert {*invited(as_("stranger"))} == {str(team.id), str(other.id)}


def test_an_invitation_needs_an_address_that_was_confirmed(team: Team, as_: As) -> None:
    invite(as_("owner"), team, "claimed@example.org")
    claimed = User.objects.create_user("claimed@example.org")
    client = Client()
    client.force_login(claimed)
    assert invited(client) == []
    assert accept(client, team) == 404


def test_an_invitation_ends(team: Team, as_: As) -> None:
    for how in ("expired", "withdrawn", "declined"):
        sent = invite(as_("owner"), team, "stranger@example.org").json()
        if how == "expired":
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        elif how == "withdrawn":
            path = f"/api/v1/teams/withdraw/{team.id}/{sent['id']}/"
            assert as_("owner").delete(path).status_code == 204
        else:
            assert as_("stranger").post(f"/api/v1/teams/decline/{team.id}/").status_code == 204
        assert invited(as_("stranger")) == [], how
        assert accept(as_("stranger"), team) == 404, how


def test_members_are_not_invited_again_and_a_team_fills(team: Team, as_: As, settings: Any) -> None:
    settings.TEAM_MEMBERS = 4
    assert invite(as_("owner"), team, "viewer@example.org").json()["code"] == "is_member"
    assert invite(as_("owner"), team, "one@example.org").status_code == 201
    assert invite(as_("owner"), team, "one@example.org", "viewer").status_code == 201, "again"
    assert invite(as_("owner"), team, "two@example.org").json()["code"] == "too_many"
    assert Invitation.objects.get().role == "viewer"


def test_a_team_keeps_an_owner(team: Team, people: dict[str, User], as_: As) -> None:
    owner = as_("owner")
    own = f"/api/v1/teams/members/{team.id}/{members(owner, team)['owner']['id']}/"
    for answer in (
        owner.post(f"/api/v1/teams/leave/{team.id}/"),
        owner.delete(own),
        owner.patch(own, {"role": "editor"}, content_type=JSON),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    body = {"password": "correct horse battery staple"}
    gone = owner.post("/api/v1/auth/user/delete/", body, content_type=JSON)
    assert gone.status_code == 409
    assert "River lab" in gone.json()["detail"]
    assert User.objects.filter(id=people["owner"].id).exists()

    other = f"/api/v1/teams/members/{team.id}/{members(owner, team)['editor']['id']}/"
    assert owner.patch(other, {"role": "owner"}, content_type=JSON).status_code == 200
    assert owner.post(f"/api/v1/teams/leave/{team.id}/").status_code == 204
    assert as_("owner").get(f"/api/v1/teams/detail/{team.id}/").status_code == 404
    people["viewer"].delete()
    assert {*members(as_("editor"), team)} == {"editor"}


def test_who_owns_enough_teams_is_given_no_other(
    team: Team, people: dict[str, User], as_: As, settings: Any
) -> None:
    """Otherwise whoever creates teams, hands them on and leaves would have any number of quotas."""
    settings.TEAMS_PER_USER = 1
    for who in ("viewer", "stranger"):
        team_create(user=people[who], name="Delta")
    invite(as_("owner"), team, "stranger@example.org", "owner")
    path = f"/api/v1/teams/members/{team.id}/{members(as_('owner'), team)['viewer']['id']}/"

    def promote() -> Any:
        return as_("owner").patch(path, {"role": "owner"}, content_type=JSON)

    refused = promote()
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many")
    assert accept(as_("stranger"), team) == 409
    assert team.memberships.filter(role="owner").count() == 1
    settings.TEAMS_PER_USER = 0  # nobody creates any more, but those that there are go on
    assert promote().status_code == 200
    assert promote().status_code == 200, "it changes nothing"
    assert accept(as_("stranger"), team) == 200


def test_an_invitation_makes_no_viewer_of_the_last_owner(
    team: Team, people: dict[str, User], as_: As
) -> None:
    Invitation.objects.create(  # from before the owner had this address
        team=team, email="owner@example.org", role="viewer",
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    assert accept(as_("owner"), team) == 409
    assert members(as_("owner"), team)["owner"]["role"] == "owner"
    assert as_("owner").post(f"/api/v1/teams/decline/{team.id}/").status_code == 204


def test_owners_who_are_deleted_together_are_kept(team: Team, people: dict[str, User]) -> None:
    team.memberships.filter(user=people["editor"]).update(role="owner")
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.org", "correct horse battery"))
    chosen = [str(people[who].id) for who in ("owner", "editor")]
    form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    client.post("/admin/users/user/", form)
    assert team.memberships.filter(role="owner").count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(60)
def test_of_two_owners_who_delete_their_accounts_at_once_one_stays() -> None:
    owner, other = make_person("owner@example.org"), make_person("other@example.org")
    team = make_team(owner=owner)
    Membership.objects.create(team=team, user=other, role="owner")

    def delete_other() -> str:
        try:
            account_delete(user=other)
        except Conflict as error:
            return error.code
        finally:
            connection.close()
        return "deleted"

    def is_waiting() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0])

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            account_delete(user=owner)
            result = pool.submit(delete_other)
            wait_for(lambda: result.done() or is_waiting(), what="the other comes after")
        assert result.result() == "in_use"
    assert [row.user for row in team.memberships.all()] == [other]


def test_only_owners_change_a_team(team: Team, as_: As) -> None:
    for who, code in (("editor", 403), ("viewer", 403), ("stranger", 404)):
        client = as_(who)
        viewer = members(as_("owner"), team)["viewer"]["id"]
        for method, path, body in (
            ("patch", f"update/{team.id}/", {"name": "Other"}),
            ("delete", f"delete/{team.id}/", None),
            ("post", f"invite/{team.id}/", {"email": "x@example.org", "role": "viewer"}),
            ("patch", f"members/{team.id}/{viewer}/", {"role": "owner"}),
            ("delete", f"members/{team.id}/{viewer}/", None),
        ):
            given = {"data": body, "content_type": JSON} if body else {}
            answer = getattr(client, method)(f"/api/v1/teams/{path}", **given)
            assert answer.status_code == code, (who, method, path)
    assert as_("editor").get(f"/api/v1/teams/detail/{team.id}/").json()["invitations"] == []


def test_with_a_team_goes_what_belongs_to_it_and_nothing_else(
    team: Team, people: dict[str, User], as_: As
) -> None:
    for owner in (team.account, people["owner"]):
        ProcessingRequest.objects.create(kind="wordcount", name="a", owner=owner)
    assert as_("owner").delete(f"/api/v1/teams/delete/{team.id}/").status_code == 204
    assert not User.objects.filter(id=team.account_id).exists()
    assert [row.owner for row in ProcessingRequest.objects.all()] == [people["owner"]]
    assert User.objects.filter(id=people["editor"].id).exists()


def test_staff_act_for_an_hour_and_the_trail_has_it(team: Team, as_: As) -> None:
    row = ProcessingRequest.objects.create(kind="wordcount", name="a", owner=team.account)
    staff = User.objects.create_superuser("root@example.org", "correct horse battery staple")
    client = Client()
    client.force_login(staff)
    path = f"/api/v1/requests/rename/{row.id}/"
    assert client.patch(path, {"name": "b"}, content_type=JSON).status_code == 404

    answer = client.post(
        "/admin/teams/team/", {"action": "support", "_selected_action": [str(team.id)]}
    )
    assert answer.status_code == 302
    assert members(as_("viewer"), team)["root"]["support_until"]
    assert client.patch(path, {"name": "b"}, content_type=JSON).status_code == 200
    trail = AuditEvent.objects.filter(actor=staff, target=f"team {team.id}")
    assert {"team_support_began", "team_acted_for"} <= set(trail.values_list("event", flat=True))

    Membership.objects.filter(user=staff).update(expires_at=timezone.now())
    assert client.patch(path, {"name": "c"}, content_type=JSON).status_code == 404
    support_begin(team=team, user=staff)  # once more
    as_("owner").post(f"/api/v1/teams/leave/{team.id}/")
    assert "owner" in members(as_("owner"), team), "staff is no owner that a team could keep"
