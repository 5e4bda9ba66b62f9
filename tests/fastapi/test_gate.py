"""Who is let in: by the same sessions, tokens, policies and limits as at Django's addresses."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from backend_django import policies
from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import ApiToken, User
from backend_django.users.services import token_create
from tests.fastapi.calls import Answer, call

SUMMARIES = "/api/v1/fast/summaries/"
TEXT = {"text": "Rivers rise in spring. The rivers carry sand. Nobody sleeps.", "sentences": 1}


def with_token(user: User, path: str = SUMMARIES, data: Any = TEXT, **options: Any) -> Answer:
    _, key = token_create(user=user, name="of a test", **options)
    return call(None, "post", path, data, headers={"Authorization": f"Token {key}"})


@pytest.fixture
def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def csrf(client: Client) -> dict[str, str]:
    """What the page sends beside its session; the page has got the cookie."""
    client.get("/api/v1/auth/session/")
    return {"X-CSRFToken": client.cookies["csrftoken"].value, "Referer": "https://testserver/"}


def test_token_lets_in_and_the_request_is_its_users(user: User) -> None:
    answer = with_token(user)
    assert answer.status_code == 200, answer.content
    assert [line["event"] for line in answer.lines()] == [
        "request", "statistics", "sentence", "result",
    ]  # fmt: skip
    assert ProcessingRequest.objects.get(owner=user).status == "completed"


def test_session_lets_in_with_csrf_only(browser: Client) -> None:
    bare = call(browser, "post", SUMMARIES, TEXT)
    assert (bare.status_code, bare.json()["code"]) == (403, "permission_denied")
    answer = call(browser, "post", SUMMARIES, TEXT, headers=csrf(browser))
    assert answer.status_code == 200, answer.content


def test_other_origin_is_refused_as_by_django(browser: Client) -> None:
    foreign = csrf(browser) | {"Origin": "https://evil.example"}
    ours = call(browser, "post", SUMMARIES, TEXT, headers=foreign)
    django = Client(enforce_csrf_checks=True)
    django.cookies = browser.cookies
    theirs = django.post(
        "/api/v1/summaries/create/", TEXT, content_type="application/json", headers=foreign
    )
    assert ours.status_code == theirs.status_code == 403
    assert ours.json()["code"] == theirs.json()["code"]


def test_session_that_was_ended_is_refused(browser: Client) -> None:
    headers = csrf(browser)
    browser.session.flush()
    assert call(browser, "post", SUMMARIES, TEXT, headers=headers).status_code == 401


def test_tokens_that_do_not_count_are_refused(user: User) -> None:
    expired = with_token(user, expires_at=timezone.now() - timedelta(seconds=1))
    assert (expired.status_code, expired.json()["code"]) == (401, "token_expired")
    read_only = with_token(user, scope=ApiToken.Scope.READ)
    assert (read_only.status_code, read_only.json()["code"]) == (403, "read_only_token")
    unknown = call(None, "post", SUMMARIES, TEXT, headers={"Authorization": "Token nonsense"})
    assert unknown.status_code == 401
    User.objects.update(is_active=False)
    user.refresh_from_db()
    assert with_token(user).status_code == 401


def test_kinds_of_a_token_name_features(user: User) -> None:
    assert with_token(user, kinds=["summaries"]).status_code == 200
    other = with_token(user, kinds=["wordcount"])
    assert (other.status_code, other.json()["code"]) == (403, "token_of_other_kind")
    none = with_token(user, "/api/v1/fast/lookups/", {"urls": []}, kinds=["summaries"])
    assert none.status_code == 403


def test_strangers_get_djangos_refusal(db: None) -> None:
    ours = call(None, "post", SUMMARIES, TEXT)
    theirs = Client().post("/api/v1/summaries/create/", TEXT, content_type="application/json")
    assert ours.status_code == theirs.status_code == 401
    for name in ("WWW-Authenticate", "Content-Type", "X-Content-Type-Options", "Cache-Control"):
        assert ours.headers[name.title()] == theirs.headers[name], name
    told = ours.json(), theirs.json()
    for body in told:
        for name in ("trace_id", "request_id"):
            assert body.pop(name)
    assert told[0] == told[1]


def test_every_answer_has_djangos_headers_and_the_trace_id(user: User) -> None:
    _, key = token_create(user=user, name="of a test")
    headers = {"Authorization": f"Token {key}", "X-Request-ID": "a-trace-of-mine"}
    for data, status in ((TEXT, 200), ({"text": ""}, 400)):
        answer = call(None, "post", SUMMARIES, data, headers=headers)
        assert answer.status_code == status
        assert answer["X-Request-Id"] == "a-trace-of-mine"
        assert "default-src" in answer["Content-Security-Policy"]
        assert answer["Cache-Control"] == "private, no-store"
    assert answer.json()["trace_id"] == "a-trace-of-mine"


def test_limits_of_a_user_count_here_too(user: User, settings: LazySettings) -> None:
    settings.API_RATES = settings.API_RATES | {"user": "1/hour"}
    _, key = token_create(user=user, name="of a test")
    headers = {"Authorization": f"Token {key}"}
    first, second = (call(None, "post", SUMMARIES, TEXT, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"content": b"{"}, 400, "parse_error"),
        ({"data": {"text": "A b.", "more": 1}}, 400, "invalid"),
        ({"data": {"text": "A b.", "sentences": "3"}}, 400, "invalid"),
        ({"data": {"text": "nul \0"}}, 400, "invalid"),
        ({"data": {"text": " "}}, 400, "invalid"),
        ({"data": {}}, 400, "invalid"),
        ({"content": b"x" * 600_000}, 413, "too_large"),
        ({"data": TEXT, "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
    ],
)
def test_bad_input_is_a_problem_document(
    user: User, options: dict[str, Any], status: int, code: str
) -> None:
    _, key = token_create(user=user, name="of a test")
    headers = {"Authorization": f"Token {key}"} | options.pop("headers", {})
    answer = call(None, "post", SUMMARIES, headers=headers, **options)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert not ProcessingRequest.objects.exists()


def test_what_is_not_there_says_so(user: User) -> None:
    _, key = token_create(user=user, name="of a test")
    headers = {"Authorization": f"Token {key}"}
    for method, path, status in (
        ("get", "/api/v1/fast/nothing/", 404),
        ("get", "/", 404),
        ("delete", SUMMARIES, 405),
        ("get", f"{SUMMARIES}not-an-id/", 404),
    ):
        answer = call(None, method, path, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (status, status), path


class EditorsAndViewers:
    """Lets grace edit and bob look at what is ada's."""

    def __init__(self, ada: User) -> None:
        self.ada, self.edits = ada, {"grace@example.org": True, "bob@example.org": False}

    def _role(self, user_id: Any) -> bool | None:
        return self.edits.get(User.objects.get(pk=user_id).email)

    def allows(self, user_id: Any, action: policies.Action, owner_id: Any) -> bool:
        role = self._role(user_id)
        looks = action == policies.Action.VIEW and role is not None
        return owner_id == self.ada.pk and (looks or bool(role))

    def account(self, user_id: Any, named: str) -> Any:
        return self.ada if named == "ada" and self._role(user_id) is not None else None

    def owners(self, user_id: Any, action: policies.Action) -> Any:
        seen = self.allows(user_id, action, self.ada.pk)
        return User.objects.filter(pk__in=[self.ada.pk] if seen else []).values("pk")

    def people(self, owner_ids: Any) -> dict[Any, list[Any]]:
        return {}


def test_one_acts_for_another_account_as_policies_say(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "_delegations", [EditorsAndViewers(user)])
    status: dict[str, int] = {}
    for name in ("grace", "bob", "eve"):
        other = User.objects.create_user(f"{name}@example.org", "correct horse battery staple")
        _, key = token_create(user=other, name="of a test")
        headers = {"Authorization": f"Token {key}", "X-Act-For": "ada"}
        status[name] = call(None, "post", SUMMARIES, TEXT, headers=headers).status_code
    assert status == {"grace": 200, "bob": 403, "eve": 404}
    made = ProcessingRequest.objects.get()
    assert made.created_by
    assert (made.owner, made.created_by.email) == (user, "grace@example.org")
