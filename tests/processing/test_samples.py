"""The sample that a new person may begin with."""

from pathlib import Path

import pytest

from backend_django.processing.runner import run_next
from backend_django.processing.samples import sample_submit
from backend_django.processing.services import request_delete
from backend_django.users.models import User
from tests.wordcount.processor import WordCount

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sample_is_a_request_as_any_other(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = tmp_path / "poem.txt"
    sample.write_text("three short words")
    monkeypatch.setattr(WordCount, "sample", sample)
    monkeypatch.setattr(WordCount, "sample_name", "A poem")
    request, is_new = sample_submit(owner=user, processor=WordCount)
    assert (request.name, request.input_name, is_new) == ("A poem", "poem.txt", True)
    assert sample_submit(owner=user, processor=WordCount) == (request, False)
    assert run_next(queue="processing")
    request.refresh_from_db()
    assert request.result.data["words"] == 3

    request_delete(request=request)
    again, is_new = sample_submit(owner=user, processor=WordCount)
    assert (is_new, again.id == request.id) == (True, False), "what was deleted may come again"
