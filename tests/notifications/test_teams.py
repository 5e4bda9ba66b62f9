"""What happens to requests of a team is told to whoever asked for them."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from backend_django.mail.models import Mail
from backend_django.mail.services import mail_send
from backend_django.notifications.models import Notification
from backend_django.notifications.receivers import tell_owners
from backend_django.notifications.services import preference_set, webhook_create
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.services import request_delete
from backend_django.teams.services import membership_end
from backend_django.teams.tests.factories import make_person, make_team

from .conftest import ALL, Receiver, make, make_due, send_all


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


@pytest.mark.parametrize("is_there", [True, False])
def test_who_has_left_is_sent_nothing_that_waits(
    db: None, receiver: Receiver, mailoutbox: list[EmailMessage], is_there: bool
) -> None:
    """Not even of a request that is gone; of their own they are told all the same."""
    people = {name: make_person(f"{name}@example.org") for name in ("editor", "owner")}
    team = make_team(**people)
    for person in people.values():
        webhook_create(owner=person, url=receiver.url(person.email), events=ALL)
        preference_set(user=person, mail="ended")
    receiver.behaviour = "500"
    owners = {"editor": [team.account, people["editor"]], "owner": [team.account]}
    rows = [
        make(account, name=name, created_by=people[name], status="completed",
             finished_at=timezone.now())
        for name, accounts in owners.items() for account in accounts
    ]  # fmt: skip
    tell_owners(rows)
    send_all()
    assert len(receiver.calls) == 3
    membership_end(membership=team.memberships.get(user=people["editor"]))
    if not is_there:
        for row in rows:
            request_delete(request=row)
    receiver.behaviour = "200"
    make_due()
    sent = {(one.payload["data"]["id"], one.outcome, one.error) for one in send_all()}
    assert sent == {
        (str(rows[0].id), "dropped", "You can't see this request any more."),
        (str(rows[1].id), "sent", ""),
        (str(rows[2].id), "sent", ""),
    }
    assert len(receiver.calls) == 5
    assert all(b'"owner":' not in call.body for call in receiver.calls), "only we need to know it"
    for mail in Mail.objects.filter(kind="requests_ended"):
        Mail.objects.update(next_attempt_at=timezone.now())
        mail_send(mail_id=mail.id)
    assert len(mailoutbox) == (2 if is_there else 0)
    assert all("requests" not in mail.subject for mail in mailoutbox), "each of one request"


@pytest.mark.parametrize("has_left", [False, True])
def test_who_has_left_is_not_told_of_a_batch_whose_rest_is_deleted(
    db: None, has_left: bool
) -> None:
    editor = make_person("editor@example.org")
    team = make_team(editor=editor, owner=make_person("owner@example.org"))
    of_both: dict[str, Any] = {"batch": uuid4(), "created_by": editor}
    make(team.account, status="completed", finished_at=timezone.now(), **of_both)
    rest = make(team.account, **of_both)
    if has_left:
        membership_end(membership=team.memberships.get(user=editor))
    request_delete(request=rest)
    assert Notification.objects.count() == (not has_left)
