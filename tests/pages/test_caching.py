"""What a CDN in front may keep: a running product against the table of docs/deploy.md."""

import re
from collections.abc import Iterator

import httpx
import pytest
from django.test import Client

from tests.stack import ADMIN, ROOT, Stack

ROW = re.compile(r"^\| `(/[^|]*) \| ([^|]*) \| ([^|]*) \|$", re.M)
UNKEPT = "private, no-store"


def table() -> dict[str, str]:
    """Return what the page says of each path."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").partition("Behind a CDN")[2]
    return {f"`{path}".strip(): said.strip() for path, _, said in ROW.findall(page)}


@pytest.fixture
def visitor(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Accept-Encoding": "br, gzip"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=30) as client:
        yield client


@pytest.mark.slow
@pytest.mark.matrix
def test_a_cache_in_front_keeps_what_the_documentation_says(visitor: httpx.Client) -> None:
    page = visitor.get("/")
    files = sorted(set(re.findall(r'"(/static/[^"]+\.(?:js|css|svg))"', page.text)))
    assert len(files) > 3
    asked = {
        "`/static/`": files,
        "`/static/` that is not there": ["/static/none.js", "/static/vue/assets/x-abcdefgh.js"],
        "`/`, `/login`, every page": ["/", "/login", "/account"],
        "`/api/`, `/events/`": ["/api/v1/version/", "/api/v1/auth/session/", "/api/v1/none/",
                                "/events/", "/api/v1/docs/", "/api/v1/requests/list/"],
        "`/admin/`, `/accounts/`, `/health/`": ["/admin/", "/admin/login/", "/accounts/login/",
                                                "/health/live", "/health/ready"],
    }  # fmt: skip
    said = table()
    assert set(said) == set(asked)
    for signed_in in (False, True):
        if signed_in:
            assert visitor.post("/api/v1/auth/login/", json=ADMIN).is_success
        for kind, paths in asked.items():
            for path in paths:
                with visitor.stream("GET", path) as answer:  # events have no end
                    header = answer.headers["Cache-Control"]
                if said[kind].startswith("has "):
                    assert "no-store" in header, path
                else:
                    assert f"`{header}`" == said[kind], path
                is_kept = "public" in header
                assert is_kept is (kind == "`/static/`"), path
                if is_kept:  # the same for all: no cookie, and told apart by nothing but encoding
                    assert "Set-Cookie" not in answer.headers
                    assert answer.headers["Vary"] == "Accept-Encoding"
    script = max(files, key=lambda path: int(visitor.head(path).headers["Content-Length"]))
    assert visitor.get(script).headers["Content-Encoding"] in {"br", "gzip"}


@pytest.mark.parametrize("path", ["/static/none.js", "/robots.txt", "/accounts/login/", "/media/x"])
def test_what_says_nothing_of_caches_is_kept_by_none(client: Client, db: None, path: str) -> None:
    assert client.get(path)["Cache-Control"] == UNKEPT
