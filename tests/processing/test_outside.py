"""Jobs that call a service of somebody else, which has bad days."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backend_django.utils.errors import ServiceUnavailable
from backend_django.utils.http_client import HttpSession
from scripts.processes import free_port
from tests.stack import Api

pytestmark = pytest.mark.slow
KIND = "wordcount"


class Service(ThreadingHTTPServer):
    """Answers with the codes it was told, one after the other; the last one for ever."""

    codes: list[int]
    retry_after: str | None = None
    length: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/words"


class Answer(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        codes = self.server.codes
        code = codes.pop(0) if len(codes) > 1 else codes[0]
        self.send_response(code)
        if code != 200 and self.server.retry_after:
            self.send_header("Retry-After", self.server.retry_after)
        body = b"one two three four"
        self.send_header("Content-Length", self.server.length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def history(api: Api, request_id: str) -> list[dict]:
    (attempt,) = api.get(f"{KIND}/history/{request_id}/").json()
    return attempt["calls"]


def test_busy_service_is_asked_again_and_the_history_tells(api: Api, service: Service) -> None:
    service.codes, service.retry_after = [503, 429, 200], "1"
    request = api.create(KIND, f"FETCH {service.url}".encode())
    assert api.wait(KIND, request["id"])["status"] == "completed"
    assert api.get(f"{KIND}/results/{request['id']}/").json()["words"] == 4
    calls = history(api, request["id"])
    assert [call["outcome"] for call in calls] == ["503", "429", "200"]
    assert calls[-1]["seconds"] >= 2, "Retry-After was not heeded"


def test_service_that_stays_away_fails_within_the_budget(api: Api) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    request = api.create(KIND, f"FETCH {url}".encode())
    failed = api.wait(KIND, request["id"], seconds=20)
    assert failed["error_code"] == "service_unavailable"
    assert "127.0.0.1" in failed["error_message"]
    calls = history(api, request["id"])
    assert len(calls) > 2
    assert {call["outcome"] for call in calls} == {"NewConnectionError"}


def test_service_that_wants_more_time_than_there_is_is_not_waited_for(
    api: Api, service: Service
) -> None:
    service.codes, service.retry_after = [503], "3600"
    request = api.create(KIND, f"FETCH {service.url}".encode())
    assert api.wait(KIND, request["id"], seconds=6)["error_code"] == "service_unavailable"
    assert [call["outcome"] for call in history(api, request["id"])] == ["503"]


@pytest.mark.parametrize(
    "retry_after", ["1.5", "60s", "9" * 5000, "Fri, 01 Jan 99999 00:00:00 GMT"]
)
def test_time_that_cannot_be_read_is_our_own_pause(
    service: Service, settings: Any, retry_after: str
) -> None:
    settings.HTTP_CLIENT_INTERNAL_HOSTS = ["127.0.0.1"]
    service.codes, service.retry_after = [503, 200], retry_after
    with HttpSession(budget_seconds=10) as session:
        assert session.get(service.url).status_code == 200


def test_response_with_two_lengths_is_the_services_fault(service: Service, settings: Any) -> None:
    settings.HTTP_CLIENT_INTERNAL_HOSTS = ["127.0.0.1"]
    service.codes, service.length = [200], "18, 19"
    with HttpSession(budget_seconds=10) as session, pytest.raises(ServiceUnavailable):
        session.get(service.url)


def test_answer_that_no_retry_would_change_is_the_jobs_to_judge(api: Api, service: Service) -> None:
    service.codes = [404]
    request = api.create(KIND, f"FETCH {service.url}".encode())
    assert api.wait(KIND, request["id"])["status"] == "completed"
    assert [call["outcome"] for call in history(api, request["id"])] == ["404"]


def test_cancel_does_not_wait_for_a_pause(api: Api, service: Service) -> None:
    service.codes, service.retry_after = [503], "7"
    request = api.create(KIND, f"FETCH {service.url}".encode())
    api.wait(KIND, request["id"], "processing")
    api.post(f"{KIND}/cancel/{request['id']}/")
    assert api.wait(KIND, request["id"], seconds=5)["status"] == "cancelled"
