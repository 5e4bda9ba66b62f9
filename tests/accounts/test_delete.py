"""Deleting an account: everything that belonged to it is gone."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models.signals import pre_delete
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from backend_django.operations.tasks import maintenance_delete_files
from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.services import request_create
from backend_django.users.models import ApiToken, User
from backend_django.users.services import account_delete
from tests.wordcount.processor import WordCount

from .conftest import PASSWORD, PostOffice, Visitor, script

FOLDERS: list[Path] = []


def files() -> set[Path]:
    """Of requests that are in the database of this test; other tests have files there, too."""
    return {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def with_upload(signed_in: Visitor, settings: Any) -> Visitor:
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = signed_in.post(
        "/api/v1/wordcount/create/", {"file": SimpleUploadedFile("a.txt", b"one two")}
    )
    assert answer.status_code == 201, answer.content
    request = ProcessingRequest.objects.get(id=answer.json()["id"])
    FOLDERS[:] = [
        Path(settings.MEDIA_ROOT, request.input_file).parent,
        Path(settings.MEDIA_ROOT, "requests", str(request.id)),
    ]
    return signed_in


def test_account_goes_with_all_that_belongs_to_it(
    with_upload: Visitor,
    another: Visitor,
    ada: User,
    post_office: PostOffice,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    key = another.sign_in().json()["key"]
    assert files()
    with django_capture_on_commit_callbacks(execute=True):
        answer = with_upload.call("user/delete", password=PASSWORD)
    assert answer.status_code == 204
    assert files() == set()
    for model in (User, ProcessingRequest, ApiToken):
        assert not model.objects.exists()
    assert not with_upload.is_signed_in
    assert not another.is_signed_in
    assert script(key).look("user").status_code == 401
    assert not Session.objects.filter(session_key=with_upload.session.session_key).exists()
    assert with_upload.sign_in().status_code == 400
    assert [mail.subject for mail in post_office()] == ["Your account was deleted"]


def test_wrong_password_deletes_nothing(signed_in: Visitor, ada: User) -> None:
    answer = signed_in.call("user/delete", password="wrong")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "password")
    assert User.objects.get() == ada


def test_only_administrator_stays(signed_in: Visitor, ada: User) -> None:
    User.objects.update(is_superuser=True)
    answer = signed_in.call("user/delete", password=PASSWORD)
    assert answer.status_code == 409
    assert "only administrator" in answer.json()["detail"]
    User.objects.create_superuser("other@example.org", PASSWORD)
    assert signed_in.call("user/delete", password=PASSWORD).status_code == 204


def test_nobody_deletes_an_account_without_signing_in(visitor: Visitor, ada: User) -> None:
    assert visitor.call("user/delete", password=PASSWORD).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_no_worker_begins_a_request_of_an_account_that_goes(visitor: Visitor, ada: User) -> None:
    """A worker that took one while the account was deleted wrote an attempt that kept it."""
    request = ProcessingRequest.objects.create(owner=ada, kind="wordcount", name="waits")
    seen: list[Any] = []

    def meanwhile(**_: Any) -> None:
        def work() -> None:
            try:
                seen.append(lifecycle.claim(request.id, queue=request.queue))
            finally:
                connection.close()

        worker = threading.Thread(target=work)
        worker.start()
        worker.join()

    pre_delete.connect(meanwhile, sender=User)  # what is deleted has been collected by now
    try:
        visitor.force_login(ada)
        answer = visitor.call("user/delete", password=PASSWORD)
        assert answer.status_code == 204, answer.content
    finally:
        pre_delete.disconnect(meanwhile, sender=User)
    assert seen == [None]
    assert not ProcessingRequest.objects.exists()
    assert not User.objects.filter(pk=ada.pk).exists()


def test_account_with_many_requests_costs_no_more_statements(
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """What the files cost is left to a worker: nobody waits for a bucket to remove thousands."""
    settings.MEDIA_ROOT = str(tmp_path)
    sent: list[list[str]] = []
    monkeypatch.setattr(
        "backend_django.utils.tasks.current_app.send_task",
        lambda name, arguments: sent.append(arguments[0]) if "delete_files" in name else None,
    )
    statements = []
    for email, count in (("few@example.org", 2), ("many@example.org", 70)):
        user = User.objects.create_user(email, PASSWORD)
        for _ in range(count):
            file = ContentFile(b"one two", name="a.txt")
            request_create(owner=user, processor=WordCount, inputs={"file": [file]})
        with (
            CaptureQueriesContext(connection) as queries,
            django_capture_on_commit_callbacks(execute=True),
        ):
            account_delete(user=User.objects.get(id=user.id))
        statements.append(len(queries))
    assert statements[1] == statements[0]
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert 0 < len(left) < 70
    for prefixes in sent:
        maintenance_delete_files(prefixes)
    assert not [path for path in left if path.exists()]
