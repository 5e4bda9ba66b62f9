"""Every route of the URL resolver, in the API's document or not: who may, and what breaks it."""

import os
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User
from tests.matrix import matrix

from .addresses import ROOT, template_of, url_patterns

ADMIN = f"/{settings.ADMIN_URL}"
SEED = os.environ.get("FUZZ_SEED", "1")
BRIEF = "FUZZ_EXAMPLES" not in os.environ  # `make fuzz` says how many
ROUNDS = int(os.environ.get("FUZZ_EXAMPLES", "1"))
# The views of /wordcount/ again, for other jobs: not in the brief run.
OF_THE_SAME_VIEWS = re.compile("/wordcount/(copy|fetch|lines|refresh|report|short|survey)/")
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace", "propfind")
EVERYWHERE = {r"/{var}": "/static/none", r"/.\.": "/none.json", "/.": "/some/page"}
LONG = "9" * 5000
TEXTS = ("é", "\xff", "\u20ac", "", " ", LONG, "-1", "\x00", "a" * 300, "٣", "%", "{}", "x\ty")
HEADERS = {
    "authorization": ("Bearer {}", "Token {}", "Basic {}", "Bearer  {} {}", "{}", "Token"),
    "range": ("bytes=0-{}", "bytes={}-", "bytes=-{}", "bytes={0}-{0}", "{}"),
    "cookie": ("sessionid={}", "csrftoken={}", "device={}", "messages={}", "{}"),
    "x-request-id": ("{}",),
    "x-forwarded-for": ("{}", "1.2.3.4, {}"),
    "x-forwarded-proto": ("{}",),
    "x-csrftoken": ("{}",),
    "if-none-match": ("{}", 'W/"{}"'),
    "if-modified-since": ("{}",),
    "if-range": ("{}",),
    "accept": ("{}", "text/html;q={}", "application/json;{}"),
    "accept-language": ("{}", "en;q={}"),
    "accept-encoding": ("{}",),
    "referer": ("{}", "https://testserver/{}"),
    "origin": ("{}", "https://{}"),
    "user-agent": ("{}",),
    "idempotency-key": ("{}",),
    "content-type": ("{}", "application/json; charset={}", "multipart/form-data; boundary={}",
                     "application/x-www-form-urlencoded; charset={}"),
    "content-length": ("{}",),
}  # fmt: skip
QUERIES = ("", "page={}", "q={}", "search={}", "ordering={}", "next={}", "v={}", "{}", "{}={}",
           "page=1&page={}", "_popup={}", "o={}", "e={}", "bands={}", "format={}")  # fmt: skip
BODIES = (
    b"", b"{", b"[]", b"null", b'"a"', b'{"a": "\xff"}', b'{"a": 1e999}', b"\x00", b"[" * 3000,
    b'{"email": "\\ud800"}', b'{"email": null, "password": {}}', b"--x\r\n", b"a=%ff&b=%00",
)  # fmt: skip


def routes() -> Iterator[tuple[str, Any]]:
    """Yield each route as a path with `{parameters}`, and its pattern."""
    for regex, pattern in url_patterns():
        template = template_of(regex).replace("\\", "")
        if BRIEF and OF_THE_SAME_VIEWS.search(template):
            continue
        yield EVERYWHERE.get(template_of(regex), template), pattern


def path_of(template: str, rng: random.Random, *, hostile: bool = False) -> str:
    def value(match: re.Match[str]) -> str:
        if hostile and rng.random() < 0.7:
            return quote(rng.choice([text for text in TEXTS if text] + ["..", "a/b", "_3A"]))
        name = match[1]
        known = {"token": "x" * 40, "app_label": "users", "content_type_id": "1"}
        known |= dict.fromkeys(("number", *"zxy"), "1")
        return known.get(name) or rng.choice(["7b1e0e5c-5d1f-4a57-9f5c-0d9a6f2c8a11", "1"])

    return re.sub(r"\{(\w+)\}", value, template)


def hostile_call(client: Client, template: str, rng: random.Random) -> tuple[str, Any]:
    """Make one call with something odd about it; return what it was, and the response."""

    def fill(form: str) -> str:
        text = rng.choice(TEXTS).replace("\0", "")  # no server lets that through
        return form.format(*[text] * 3).encode("utf-8").decode("latin-1")

    method = rng.choice(METHODS)
    names = rng.sample(sorted(HEADERS), k=rng.randint(1, 3))
    headers = {name: fill(rng.choice(HEADERS[name])) for name in names}
    path = path_of(template, rng, hostile=rng.random() < 0.3)
    query = rng.choice(QUERIES)
    query = query.format(*[quote(rng.choice(TEXTS))] * 3) if rng.random() < 0.5 else ""
    extra: dict[str, Any] = {
        name: value.strip()
        for header, value in headers.items()
        if (name := f"HTTP_{header.upper().replace('-', '_')}")
        not in {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_COOKIE"}
    }
    if "content-length" in headers and headers["content-length"].isascii():
        digits = headers["content-length"]
        extra["CONTENT_LENGTH"] = digits if digits.isdigit() and len(digits) < 20 else "0"
    if "cookie" in headers:
        for part in headers["cookie"].split(";"):
            name, _, value = part.partition("=")
            extra["HTTP_COOKIE"] = f"{name}={value}"
    answer = client.generic(
        method.upper(),
        path,
        rng.choice(BODIES),
        headers.get("content-type") or rng.choice(["application/json", "multipart/form-data"]),
        QUERY_STRING=query,
        **extra,
    )
    return f"{method} {path}?{query} {headers}"[:400], answer


@pytest.fixture
def clients(db: None, user: User) -> dict[str, Client]:
    made = {name: Client(raise_request_exception=False) for name in ("stranger", "user", "staff")}
    made["user"].force_login(user)
    made["staff"].force_login(User.objects.create_superuser("root@example.org", "pw"))
    return made


# Each header that a program compares or reads as a number, on each route.
ALWAYS: list[dict[str, str]] = [
    *({"authorization": f"{scheme} é\xff"} for scheme in ("Bearer", "Token", "Basic", "")),
    {"range": f"bytes=0-{LONG}", "if-none-match": "é", "if-range": "é"},
    {"cookie": "sessionid=é; csrftoken=é; device=é:é:é", "x-csrftoken": "é"},
    {"x-forwarded-for": "é, ::ffff:1.2.3.4%eth0", "idempotency-key": "é", "x-request-id": "é"},
]


@pytest.mark.slow
@pytest.mark.timeout(1800)  # `make fuzz` calls each route dozens of times
@pytest.mark.parametrize("who", [matrix("stranger") if BRIEF else "stranger", "staff"])
def test_nothing_that_is_sent_to_any_route_breaks_it(
    clients: dict[str, Client], who: str, settings: Any
) -> None:
    settings.METRICS_TOKEN = "a tokén"
    rng = random.Random(f"{SEED} {who}")
    broken: dict[str, list[str]] = defaultdict(list)
    met = 0

    def look(template: str, said: str, answer: Any) -> None:
        nonlocal met
        met += 1
        page_is_not_built = answer.status_code == 503 and not template.startswith(ROOT)
        if answer.status_code >= 500 and not page_is_not_built:
            error = getattr(answer, "exc_info", None)
            broken[template].append(f"{answer.status_code} {said} {error and error[1]!r}")

    def client() -> Client:
        made = Client(raise_request_exception=False)
        made.cookies = SimpleCookie(clients[who].cookies)
        return made

    for template, _ in routes():
        is_admin = template.startswith(ADMIN)
        always = rng.sample(ALWAYS, 2) if BRIEF else ALWAYS
        for headers in [] if is_admin else always:
            look(template, f"get {headers}", client().get(path_of(template, rng), headers=headers))
        for _ in range(max(1, ROUNDS // 4) if is_admin else ROUNDS):
            look(template, *hostile_call(client(), template, rng))
    assert met > (300 if BRIEF else 1000)
    assert broken == {}


# For whom what is outside of /api/v1/ is. Below it: test_access.py.
OPEN = (
    r"/health/(live|ready)/|/\.?well-known/security.txt|/accounts/.*|/static/none|/none\.json"
    r"|/some/page|/\."
)
OPERATORS = r"/health/full/|/metrics/"
SIGNED_IN = "/events/"


@pytest.mark.slow
def test_every_route_has_its_callers(clients: dict[str, Client], settings: Any) -> None:
    settings.SECURITY_CONTACT = ["mailto:security@example.org"]
    rng = random.Random(0)
    wrong: dict[str, dict[str, Any]] = {}
    for template, _ in routes():
        if template.startswith(f"{ROOT}/"):
            continue
        path = path_of(template, rng)
        seen = {name: clients[name].get(path) for name in ("stranger", "user", "staff")}
        codes = {name: answer.status_code for name, answer in seen.items()}
        if template.startswith(ADMIN):
            # To sign in; for staff a page, or that there is no such row, or nothing to add.
            others = {seen[name].get("Location", "").split("?")[0] for name in ("stranger", "user")}
            own = template in {f"{ADMIN}login/", f"{ADMIN}logout/"}
            good = own or (others <= {f"{ADMIN}login/"} and codes["staff"] in {200, 302, 403, 404})
        elif template == SIGNED_IN:
            good = tuple(codes.values()) == (401, 200, 200)
        elif re.fullmatch(OPERATORS, template):
            good = (codes["stranger"], codes["user"]) == (401, 401) and codes["staff"] in {200, 503}
        else:
            good = bool(re.fullmatch(OPEN, template)) and codes["stranger"] == codes["staff"]
        if not good:
            wrong[template] = codes
    assert wrong == {}, "say above for whom a route outside of the API is"


def test_admin_has_no_page_of_a_row_whose_id_is_no_uuid(clients: dict[str, Client]) -> None:
    kind = ContentType.objects.get_for_model(ProcessingRequest)
    assert clients["staff"].get(f"{ADMIN}r/{kind.pk}/%25/").status_code == 404
