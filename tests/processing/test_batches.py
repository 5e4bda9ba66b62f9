"""Many requests in one call: all or none, each as if it had been created alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.processing import enqueue, lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import run_next
from backend_django.uploads.models import DailyUsage, Upload
from backend_django.users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
URL = "/api/v1/wordcount"


def post(client: Client, requests: Any, kind: str = "report/", key: str = "") -> Any:
    headers = {"idempotency-key": key} if key else {}
    body = {"requests": requests}
    return client.post(f"{URL}/{kind}batch/", body, "application/json", headers=headers)


def ids(answer: Any) -> list[str]:
    assert answer.status_code in {200, 201}, answer.content
    return [made["id"] for made in answer.json()["requests"]]


def test_a_thousand_are_made_in_a_few_statements(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(enqueue, "ring", lambda **call: rung.append(call))
    ids(post(signed_in, [{}]))  # a session has to be read once, and so on
    rung.clear()
    with CaptureQueriesContext(connection) as queries:
        answer = post(signed_in, [{"name": f"report {number}"} for number in range(1000)])
    statements = [query["sql"] for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]
    assert len(statements) <= 6, [sql[:200] for sql in statements]
    assert len(rung) == 1
    assert answer.status_code == 201
    batch = answer.json()["batch"]
    rows = ProcessingRequest.objects.filter(batch=batch).order_by("turn")
    assert [row.name for row in rows] == [f"report {number}" for number in range(1000)]
    assert ids(answer) == [str(row.id) for row in rows]
    assert len({row.turn for row in rows}) == 1000
    page = signed_in.get(f"/api/v1/requests/list/?batch={batch}").json()
    assert (page["count"], page["results"][0]["batch"]) == (1000, batch)
    counts = signed_in.get(f"/api/v1/requests/status-counts/?batch={batch}").json()
    assert counts["status"]["pending"] == 1000
    assert signed_in.get(f"{URL}/report/list/?batch={uuid4()}").json()["count"] == 0


def test_they_run_as_others_do(signed_in: Client) -> None:
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    first, second = ids(post(signed_in, [{}, {"run_at": later}]))
    while run_next(queue="processing"):
        pass
    done = dict(ProcessingRequest.objects.values_list("id", "status"))
    assert {str(made): status for made, status in done.items()} == {
        first: "completed",
        second: "pending",
    }


def test_another_person_has_a_turn_before_the_rest_of_a_batch(signed_in: Client) -> None:
    ids(post(signed_in, [{} for _ in range(5)]))
    assert (running := lifecycle.claim())
    other = User.objects.create_user("eve@example.org", "pw")
    theirs = Client()
    theirs.force_login(other)
    (wanted,) = ids(post(theirs, [{}]))
    following = [lifecycle.claim() for _ in range(2)]
    assert wanted in {str(claimed.id) for claimed in following if claimed}
    assert running.owner_id != other.pk


def test_one_that_is_wrong_keeps_all_from_being_made(signed_in: Client) -> None:
    wrong = [{}, {"name": "n" * 201}, {"colour": "red"}, {}, 7]
    answer = post(signed_in, wrong)
    assert answer.status_code == 400
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"requests.1.name", "requests.2.colour", "requests.4.non_field_errors"}
    assert not ProcessingRequest.objects.exists()


@pytest.mark.parametrize("requests", [[], [{}] * 1001, {}, None])
def test_a_batch_has_one_to_a_thousand(signed_in: Client, requests: Any) -> None:
    answer = post(signed_in, requests)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "requests"
    assert not ProcessingRequest.objects.exists()


def test_same_key_gives_the_same_batch(signed_in: Client) -> None:
    first, again = (post(signed_in, [{}, {}], key="night") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["batch"] == again.json()["batch"]
    assert ids(first) == ids(again)
    assert ids(post(signed_in, [{}, {}], key="day")) != ids(first)
    assert ProcessingRequest.objects.count() == 4


def test_same_key_at_the_same_time_gives_one_batch(user: User) -> None:
    def submit(_: int) -> Any:
        client = Client()
        client.force_login(user)
        try:
            return post(client, [{}, {}], key="at-once")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(submit, range(4)))
    assert len({tuple(ids(answer)) for answer in answers}) == 1
    assert ProcessingRequest.objects.count() == 2


def test_of_a_unique_kind_one_stands_for_all_that_are_the_same(signed_in: Client) -> None:
    open_one = signed_in.post(f"{URL}/fetch/create/", {"place": "a"}, "application/json").json()
    answer = post(signed_in, [{"place": "a"}, {"place": "b"}, {"place": "b"}], "fetch/")
    made = answer.json()["requests"]
    assert [one["is_new"] for one in made] == [False, True, False]
    assert made[0]["id"] == open_one["id"]
    assert made[1]["id"] == made[2]["id"]
    assert ProcessingRequest.objects.count() == 2


def test_debounce_waits_after_the_last_of_several_batches(signed_in: Client) -> None:
    (first,) = ids(post(signed_in, [{"place": "a"}], "refresh/"))
    ProcessingRequest.objects.update(run_at=timezone.now() + timedelta(seconds=1))
    (again,) = ids(post(signed_in, [{"place": "a"}], "refresh/"))
    assert first == again
    run_at = ProcessingRequest.objects.get().run_at
    assert run_at
    assert run_at > timezone.now() + timedelta(seconds=5)


def uploaded(client: Client, content: bytes = b"one two") -> dict[str, str]:
    wish = {"filename": "a.txt", "size": len(content)}
    upload = client.post(f"{URL}/upload/", wish, "application/json").json()["id"]
    sent = client.put(f"{URL}/upload/{upload}/parts/1/", content, "application/octet-stream")
    assert sent.status_code == 200, sent.content
    return {"upload": upload}


def test_files_are_named(signed_in: Client) -> None:
    first, second = uploaded(signed_in), uploaded(signed_in)
    refused = post(signed_in, [first, {}], "")
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["requests.1.upload"]
    gone = post(signed_in, [first, {"upload": str(uuid4())}], "")
    assert (gone.status_code, gone.json()["errors"][0]["field"]) == (400, "requests.1")
    twice = post(signed_in, [first, first], "")
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (400, "requests.1")
    assert not ProcessingRequest.objects.exists()
    made = ids(post(signed_in, [first, second], ""))
    holders = Upload.objects.values_list("held_by", flat=True)
    assert {str(holder) for holder in holders} == set(made)


def test_results_of_others_are_not_there(signed_in: Client) -> None:
    source = f"request:{uuid4()}"
    answer = post(signed_in, [{"texts": [source]}], "merge/")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "requests.0")


def test_results_are_kept_from_being_deleted(signed_in: Client) -> None:
    file = ContentFile(b"one two", name="a.txt")
    copy = signed_in.post(f"{URL}/copy/create/", {"file": file}).json()["id"]
    while run_next(queue="processing"):
        pass
    answer = post(signed_in, [{"texts": [f"request:{copy}"]} for _ in range(3)], "merge/")
    assert len(ids(answer)) == 3
    refused = signed_in.delete(f"{URL}/copy/delete/{copy}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")


def test_who_has_had_the_processors_today_waits(
    signed_in: Client, user: User, settings: Any
) -> None:
    settings.PROCESSING_DAILY_CPU_SECONDS = 10
    DailyUsage.objects.create(owner=user, day=timezone.now().date(), bytes=0, cpu_seconds=11)
    answer = post(signed_in, [{}])
    assert (answer.status_code, answer.json()["code"]) == (429, "daily_work_limit")


def test_a_batch_is_cancelled_together(signed_in: Client) -> None:
    batch = post(signed_in, [{}, {}, {}]).json()["batch"]
    ids(post(signed_in, [{}]))
    body = {"filter": {"batch": batch}}
    done = signed_in.post("/api/v1/requests/cancel/", body, "application/json").json()
    assert done["done"] == 3
    assert ProcessingRequest.objects.filter(status="pending").count() == 1
