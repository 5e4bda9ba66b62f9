"""What happens to requests of a team is told to whoever asked for them."""

from django.utils import timezone

from backend_django.notifications.models import Notification
from backend_django.notifications.receivers import tell_owners
from backend_django.processing.models import ProcessingRequest
from backend_django.teams.tests.factories import make_person, make_team


def test_who_asked_is_told_of_the_end_as_long_as_they_may_see_it(
    db: None,
) -> None:
    people = {name: make_person(f"{name}@example.org") for name in ("editor", "owner", "stranger")}
    team = make_team(editor=people["editor"], owner=people["owner"])
    rows = [
        ProcessingRequest.objects.create(
            kind="wordcount", name=name, owner=team.account, created_by=people[name],
            status="completed", finished_at=timezone.now(),
        )
        for name in ("editor", "stranger")
    ]  # fmt: skip
    tell_owners(rows)
    assert [note.user for note in Notification.objects.all()] == [people["editor"]]
