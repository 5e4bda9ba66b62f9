"""The product while its bucket is away."""

import pytest

from tests.storage.conftest import Place
from tests.storage.test_journey import KIND, check_result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.matrix
@pytest.mark.parametrize("place", ["bucket"], indirect=True)  # a full folder: tests/chaos
def test_bucket_away_is_said_and_loses_nothing(place: Place) -> None:
    assert place.server
    running = place.api.create("wordcount", b"SLEEP 2")
    upload = place.start(KIND, b"x" * 100)
    place.api.wait("wordcount", running["id"], "processing")
    place.server.stop()
    try:
        for answer in (
            place.api.post(f"{KIND}/create/", files={"file": ("a.bin", b"x")}),
            place.api.post(f"{KIND}/upload/", json={"filename": "a.bin", "size": 9}),
            place.api.get(f"{KIND}/upload/{upload['id']}/"),
            place.api.post(f"{KIND}/create/", json={"upload": upload["id"]}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
            assert answer.elapsed.total_seconds() < 5
        failed = place.api.wait("wordcount", running["id"])
        assert (failed["status"], failed["error_code"]) == ("failed", "storage_unavailable")
        waiting = place.api.post(f"wordcount/retry/{running['id']}/").json()
        again = place.api.wait("wordcount", waiting["id"])
        assert again["error_code"] == "storage_unavailable", "its input cannot be read either"
    finally:
        place.server.start()
    place.api.post(f"wordcount/retry/{running['id']}/")
    assert place.api.wait("wordcount", running["id"])["status"] == "completed"
    check_result(place, place.api.create(KIND, b"again")["id"], b"again")
