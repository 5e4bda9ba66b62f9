"""What members do for a team: every address of every feature, by role; events; the end of it."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backend_django.live import publish
from backend_django.processing.api.live import describe_requests
from backend_django.processing.changes import announce_changes
from backend_django.processing.models import ProcessingRequest
from backend_django.teams.models import Membership, Team
from backend_django.uploads.models import DailyUsage
from backend_django.users.models import User
from tests.of_modules import of_modules
from tests.security.addresses import (
    OBJECT,
    ROOT,
    every_address,
    factories,
    template_of,
    things_of,
    url_patterns,
)

As = Callable[..., Client]
# Of a person alone: what they are signed in with, what they are told, archives they asked for.
PERSONAL = ("/auth/", "/requests/download/", "/teams/", *(f"/{it}/" for it in of_modules("ROOM")))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[tuple[Any, str]]:
    """Return what is announced: to whom, and the topic."""
    settings.LIVE_EVENTS = True
    told: list[tuple[Any, str]] = []

    def keep(changes: Sequence[publish.Change]) -> None:
        told.extend((user_id, topic) for user_ids, topic, _ in changes for user_id in user_ids)

    monkeypatch.setattr(publish, "_tell", keep)
    return told


def create(client: Client, text: bytes = b"one two") -> Any:
    file = SimpleUploadedFile("a.txt", text)
    return client.post("/api/v1/wordcount/create/", {"file": file})


def listed(client: Client) -> list[str]:
    rows = client.get("/api/v1/requests/list/").json()["results"]
    return [row["id"] for row in rows]


@pytest.mark.slow
def test_every_address_by_role(team: Team, as_: As) -> None:
    """A viewer looks, an editor changes, an owner opens to others; a stranger finds nothing."""
    wrong: dict[str, Any] = {}
    roles = {role: as_(role) for role in ("stranger", "viewer", "editor", "owner")}
    for client in roles.values():
        client.raise_request_exception = False
    view_of = {template_of(regex): pattern.callback for regex, pattern in url_patterns()}
    # Of several addresses of one view, such as those of all kinds of jobs, one is asked.
    views = {
        (
            getattr(view_of.get(ROOT + address.template), "cls", str(address)),
            address.method,
        ): address
        for address in every_address()
        if address.access == OBJECT and not address.template.startswith(PERSONAL)
    }
    assert len(views) > 10
    for address in views.values():
        managed = str(address) in getattr(factories(address.template.split("/")[1]), "MANAGED", [])
        for role, client in roles.items():
            code = address.call(client, things_of(team.account, address)).status_code
            looking = address.method == "get"
            may = looking or role == "owner" or (role == "editor" and not managed)
            if role == "stranger":
                good = code == 404
            elif may:
                good = code != 403
            else:
                good = code == 403
            if not good:
                wrong[f"{address}, {role}"] = code
    assert wrong == {}


def test_what_members_create_belongs_to_the_team(
    team: Team, people: dict[str, User], as_: As
) -> None:
    made = create(as_("editor", team))
    assert made.status_code == 201
    row = ProcessingRequest.objects.get(id=made.json()["id"])
    assert (row.owner, row.created_by) == (team.account, people["editor"])
    assert listed(as_("viewer", team)) == [made.json()["id"]]
    assert listed(as_("viewer")) == [], "their own list is their own"
    assert as_("viewer").get(f"/api/v1/wordcount/status/{row.id}/").status_code == 200
    assert create(as_("viewer", team)).status_code == 403
    refused = create(as_("stranger", team))
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_account")

    csv = as_("viewer").get(f"/api/v1/requests/csv/?act_for={team.id}")
    assert str(row.id) in b"".join(csv).decode()
    assert as_("stranger").get(f"/api/v1/requests/csv/?act_for={team.id}").status_code == 404


def test_a_team_has_a_quota_of_its_own(
    team: Team, people: dict[str, User], as_: As, settings: Any
) -> None:
    settings.PROCESSING_DAILY_UPLOAD_BYTES = 10
    assert create(as_("editor", team), b"a" * 8).status_code == 201
    assert create(as_("owner", team), b"a" * 8).status_code == 429
    assert create(as_("owner"), b"a" * 8).status_code == 201
    assert as_("viewer", team).get("/api/v1/usage/").json()["uploaded_bytes"] == 8
    assert {row.owner: row.bytes for row in DailyUsage.objects.all()} == {
        team.account: 8, people["owner"]: 8,
    }  # fmt: skip


def test_changes_are_told_to_members_while_they_are(
    team: Team, people: dict[str, User], told: list[tuple[Any, str]],
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    row = ProcessingRequest.objects.create(kind="wordcount", name="a", owner=team.account)

    def tell() -> set[Any]:
        told.clear()
        with django_capture_on_commit_callbacks(execute=True):
            announce_changes([row])
        return {user_id for user_id, _ in told}

    ids = {name: user.id for name, user in people.items()}
    assert tell() == {ids["owner"], ids["editor"], ids["viewer"]}
    assert describe_requests(ids["viewer"], [str(row.id)])[0][0] == "changed"

    Membership.objects.filter(user=people["viewer"]).delete()
    assert tell() == {ids["owner"], ids["editor"]}
    assert describe_requests(ids["viewer"], [str(row.id)]) == [("deleted", {"id": str(row.id)})]


def test_whoever_is_taken_out_sees_nothing_any_more(
    team: Team, people: dict[str, User], as_: As, told: list[tuple[Any, str]],
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    made = create(as_("editor", team)).json()["id"]
    own = Membership.objects.get(user=people["editor"])
    with django_capture_on_commit_callbacks(execute=True):
        gone = as_("owner").delete(f"/api/v1/teams/members/{team.id}/{own.id}/")
    assert gone.status_code == 204
    assert (people["editor"].id, publish.RESET) in told, "their pages read everything anew"
    assert as_("editor").get(f"/api/v1/requests/status/{made}/").status_code == 404
    assert as_("editor", team).get("/api/v1/requests/list/").status_code == 404
    assert listed(as_("owner", team)) == [made], "what they made stays"
