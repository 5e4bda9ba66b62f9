"""How much one may upload in a day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client

from backend_django.uploads import quota
from backend_django.uploads.models import DailyUsage
from backend_django.users.models import User
from backend_django.users.services import token_create

from .test_problems import assert_problem

KIND = "/api/v1/wordcount"


@pytest.fixture
def signed_in(client: Client, user: User, settings: Any) -> Client:
    settings.PROCESSING_DAILY_UPLOAD_BYTES = 1000
    client.force_login(user)
    return client


def upload(client: Client, size: int) -> Any:
    return client.post(f"{KIND}/create/", {"file": ContentFile(b"x" * size, name="a.txt")})


def used(client: Client) -> int:
    return client.get("/api/v1/usage/").json()["uploaded_bytes"]


def test_what_was_uploaded_stays_counted_when_it_is_deleted(signed_in: Client) -> None:
    made = upload(signed_in, 600)
    assert made.status_code == 201
    signed_in.delete(f"{KIND}/delete/{made.json()['id']}/")
    usage = signed_in.get("/api/v1/usage").json()
    assert (usage["uploaded_bytes"], usage["daily_bytes"]) == (600, 1000)
    answer = upload(signed_in, 401)
    problem = assert_problem(answer, 429, "daily_quota")
    assert problem["detail"] == (
        "This would be more than the 1 kB you may upload in a day. 400 bytes are left today."
        " Try again after midnight UTC."
    )
    wait = datetime.fromisoformat(usage["resets_at"]).timestamp() - datetime.now().timestamp()
    assert abs(int(answer["Retry-After"]) - wait) < 60
    assert upload(signed_in, 400).status_code == 201


def test_file_that_fits_on_no_day_is_too_large(signed_in: Client) -> None:
    for answer in (
        upload(signed_in, 1001),
        signed_in.post(
            f"{KIND}/upload/", {"filename": "a", "size": 1001}, content_type="application/json"
        ),
    ):
        assert "1 kB allowed in a day" in assert_problem(answer, 413, "too_large")["detail"]
    assert used(signed_in) == 0


def test_refusal_comes_before_the_file_is_read(signed_in: Client, user: User) -> None:
    DailyUsage.objects.create(owner=user, day=quota.timezone.now().date(), bytes=1000)
    key = token_create(user=user, name="a")[1]
    large: dict[str, Any] = {
        "CONTENT_LENGTH": str(1024 * 1024 + 500),
        "CONTENT_TYPE": "multipart/form-data",
    }
    for client in (signed_in, Client(headers={"authorization": f"Token {key}"})):
        answer = client.generic("POST", f"{KIND}/create/", b"", **large)
        assert_problem(answer, 429, "daily_quota")


def test_chunks_count_when_they_are_announced_and_what_never_came_is_given_back(
    signed_in: Client, settings: Any
) -> None:
    settings.PROCESSING_UPLOAD_CHUNK_BYTES = 300
    body = {"filename": "a.txt", "size": 700}
    made = signed_in.post(f"{KIND}/upload/", body, "application/json").json()
    assert used(signed_in) == 700
    chunk = f"{KIND}/upload/{made['id']}/parts/1/"
    assert signed_in.put(chunk, b"x" * 300, "application/octet-stream").status_code == 200
    assert signed_in.delete(f"{KIND}/upload/{made['id']}/").status_code == 204
    assert used(signed_in) == 300


def test_upload_that_could_not_be_stored_is_given_back(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> str:
        raise OSError("the storage is away")

    monkeypatch.setattr("django.core.files.storage.default_storage.save", away)
    assert upload(signed_in, 600).status_code == 503
    assert used(signed_in) == 0


def test_without_a_limit_it_is_only_told(signed_in: Client, settings: Any) -> None:
    settings.PROCESSING_DAILY_UPLOAD_BYTES = 0
    assert upload(signed_in, 5000).status_code == 201
    usage = signed_in.get("/api/v1/usage/").json()
    assert (usage["uploaded_bytes"], usage["daily_bytes"]) == (5000, None)


@pytest.mark.django_db(transaction=True)
def test_parallel_uploads_cannot_take_the_same_bytes(user: User, settings: Any) -> None:
    settings.PROCESSING_DAILY_UPLOAD_BYTES = 1000

    def take(_: int) -> bool:
        try:
            quota.quota_take(owner=user, size=300)
        except quota.QuotaUsedUp:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(16))) == 3
    assert quota.usage_of(user.pk)["uploaded_bytes"] == 900


def spend(user: User, seconds: float) -> None:
    quota.work_count(owner_id=user.pk, seconds=seconds)


def test_processor_time_adds_up_and_uploads_are_refused_when_it_is_used_up(
    signed_in: Client, user: User, settings: Any
) -> None:
    settings.PROCESSING_DAILY_CPU_SECONDS = 600
    spend(user, 250.5)
    made = upload(signed_in, 10)
    assert made.status_code == 201
    spend(user, 349.5)
    usage = signed_in.get("/api/v1/usage/").json()
    assert (usage["cpu_seconds"], usage["daily_cpu_seconds"]) == (600, 600)
    request = f"{made.json()['id']}/"
    assert signed_in.post(f"{KIND}/cancel/{request}").status_code in (200, 202, 204)
    begun = signed_in.post(f"{KIND}/upload/", {"filename": "a", "size": 1}, "application/json")
    for answer in (upload(signed_in, 10), begun, signed_in.post(f"{KIND}/retry/{request}")):
        problem = assert_problem(answer, 429, "daily_work_limit")
        assert problem["detail"] == (
            "Your jobs have used the 10 minutes of processor time that you have in a day. Try again"
            " after midnight UTC."
        )
        assert 0 < int(answer["Retry-After"]) <= 24 * 3600
    assert used(signed_in) == 10


def test_processor_time_of_another_day_or_user_does_not_count(
    signed_in: Client, user: User, settings: Any
) -> None:
    settings.PROCESSING_DAILY_CPU_SECONDS = 600
    day = quota.timezone.now().date() - quota.timedelta(days=1)
    DailyUsage.objects.create(owner=user, day=day, cpu_seconds=10_000)
    other = User.objects.create_user(email="other@example.org", password=None)
    spend(other, 10_000)
    assert upload(signed_in, 10).status_code == 201
    settings.PROCESSING_DAILY_CPU_SECONDS = 0
    spend(user, 10_000)
    assert upload(signed_in, 10).status_code == 201
    usage = signed_in.get("/api/v1/usage/").json()
    assert (usage["cpu_seconds"], usage["daily_cpu_seconds"]) == (10_000, None)
