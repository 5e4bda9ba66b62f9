"""Short work has workers of its own."""

import pytest

from tests.stack import Api, Stack

pytestmark = pytest.mark.slow
SHORT = ["celery", "-A", "backend_django.config.celery_app", "worker", "-n", "short@%h",
         "-Q", "short,default,maintenance", "-c", "1"]  # fmt: skip


def test_short_work_does_not_wait_behind_long_work(api: Api, stack: Stack) -> None:
    stack.start_process("short", SHORT)
    try:
        long = [api.create("wordcount", b"SLEEP 30") for _ in range(3)]
        for request in long[:2]:
            api.wait("wordcount", request["id"], "processing")
        short = api.create("wordcount/short", b"one two")
        assert api.status("wordcount/short", short["id"])["queue_position"] in (0, None)
        assert api.wait("wordcount/short", short["id"], seconds=20)["status"] == "completed"
        states = [api.status("wordcount", request["id"])["status"] for request in long]
        assert states == ["processing", "processing", "pending"]
        assert api.get(f"wordcount/short/results/{short['id']}/").json()["words"] == 2
    finally:
        for request in long:
            api.post(f"wordcount/cancel/{request['id']}/")
        stack.stop("short")
