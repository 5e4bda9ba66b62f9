"""Nobody removes what another attempt works on."""

import pytest
from django.core.files.base import ContentFile

from backend_django.processing import reaper, scratch
from backend_django.processing.services import request_create
from backend_django.processing.tasks import maintenance_reap
from backend_django.users.models import User
from tests.wordcount.processor import WordCount

pytestmark = pytest.mark.django_db(transaction=True)


def test_attempt_that_wakes_late_leaves_the_next_one_s_files_alone(user: User) -> None:
    request, _ = request_create(
        owner=user, processor=WordCount, inputs={"file": [ContentFile(b"one", name="a.txt")]}
    )
    with scratch.work_directory(request.id, 2) as new:
        with scratch.work_directory(request.id, 1) as late:
            assert late != new
        assert new.is_dir()


def test_round_of_the_reaper_that_comes_late_leaves_the_next_attempt_s_files_alone(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, _ = request_create(
        owner=user, processor=WordCount, inputs={"file": [ContentFile(b"one", name="a.txt")]}
    )
    with (
        scratch.work_directory(request.id, 1) as lost,
        scratch.work_directory(request.id, 2) as new,
    ):
        # it has read that attempt 1 is lost, and only now comes to remove what that one left
        monkeypatch.setattr(reaper, "reap_expired", lambda: [(request.id, 1)])
        maintenance_reap()
        assert (lost.exists(), new.exists()) == (False, True)
