"""The page that Django serves, and the values it is given at run time."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from backend_django.pages.runtime_env import RuntimeEnvError, render
from backend_django.pages.views import page_values
from tests.stack import ROOT

TEMPLATE = """<!doctype html><html><head>
<script type="application/json" id="app-env">{"apiRoot": "VITE_APP_API_ROOT_PLACEHOLDER",
 "version": "v VITE_APP_VERSION_PLACEHOLDER"}</script>
<script>document.documentElement.dataset.theme = 'dark'</script>
<script type="module" src="VITE_APP_STATIC_ROOT_PLACEHOLDERassets/a-12345678.js"></script>
<meta content="VITE_APP_VERSION_PLACEHOLDER"></head></html>"""
VALUES = {"API_ROOT": "/api/v1/", "STATIC_ROOT": "/static/vue/", "VERSION": "1"}


def data(html: str) -> dict[str, str]:
    block = re.search(r'id="app-env">(.*?)</script>', html, re.DOTALL)
    assert block
    return json.loads(block[1])


@pytest.mark.parametrize(
    "value",
    [
        "plain", "&", "|", "\\", "`", "${1+1}", "`+alert(1)+`",
        "</script><script>alert(1)</script>",
        "<!--", '"', "'", "a\nb", "\u2028\u2029", "%s {} {{x}}", "é 漢 🌱",
        "VITE_APP_API_ROOT_PLACEHOLDER", "\\1 \\g<0>",
    ],
)  # fmt: skip
def test_any_value_arrives_unchanged_and_runs_nothing(value: str) -> None:
    page = render(TEMPLATE, VALUES | {"VERSION": value})
    assert data(page.html) == {"apiRoot": "/api/v1/", "version": f"v {value}"}
    assert page.html.count("<script") == TEMPLATE.count("<script")
    block = page.html.split('id="app-env">')[1].split("</script>")[0]
    assert not set("<>&\u2028\u2029") & set(block)


def test_a_module_that_is_told_nothing_has_no_script() -> None:
    script = '<script type="module" src="VITE_APP_STATIC_ROOT_PLACEHOLDERa.js" data-module="boats">'
    template = TEMPLATE.replace("<head>", f"<head>\n{script}</script>")
    assert render(template, VALUES).html == render(TEMPLATE, VALUES).html
    told = VALUES | {"MODULES": json.dumps({"boats": {"sails": 3}})}
    assert 'src="/static/vue/a.js" data-module="boats"></script>' in render(template, told).html


@pytest.mark.parametrize(
    "value",
    [
        "",
        "/static",
        "//evil.example/",
        "javascript:alert(1)/",
        "/a b/",
        "/a|b/",
        '/"/',
        "/<x>/",
        "ftp://x/",
        "https://x.example",
        "/a&b/",
        "/a\n/",
        "https://u:p@x/",
    ],
)
@pytest.mark.parametrize("name", ["STATIC_ROOT", "API_ROOT"])
def test_what_is_not_a_base_url_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(RuntimeEnvError, match=f"VITE_APP_{name} must be"):
        render(TEMPLATE, VALUES | {name: value})


@pytest.mark.parametrize(
    "value", ["/", "/static/vue/", "https://cdn.example.org/vue/", "http://127.0.0.1:9000/a-b_c/"]
)
def test_base_url_may_be_a_path_or_another_host(value: str) -> None:
    page = render(TEMPLATE, VALUES | {"STATIC_ROOT": value})
    assert f'src="{value}assets/a-12345678.js"' in page.html


def test_placeholder_without_a_value_is_an_error_with_its_name() -> None:
    with pytest.raises(RuntimeEnvError, match="VITE_APP_VERSION, which has no value"):
        render(TEMPLATE, {k: v for k, v in VALUES.items() if k != "VERSION"})


@pytest.fixture
def built(tmp_path: Path, settings: Any) -> Path:
    index = tmp_path / "index.html"
    index.write_text(TEMPLATE + "<!-- VITE_APP_ENVIRONMENT_PLACEHOLDER -->")
    settings.VUE_INDEX = str(index)
    return index


@pytest.mark.parametrize("path", ["/", "/login", "/files/1234", "/a/deep/link?x=1"])
def test_every_page_address_answers_with_the_page(client: Client, built: Path, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Cache-Control"] == "private, no-cache"
    assert "csrftoken" in answer.cookies
    assert "PLACEHOLDER" not in answer.text


def test_policy_allows_the_inline_script_by_hash_and_nothing_else(
    client: Client, built: Path
) -> None:
    policy = client.get("/")["Content-Security-Policy"]
    assert re.search(r"script-src 'self' 'sha256-[A-Za-z0-9+/=]{44}'(;|$)", policy)
    assert "unsafe" not in policy
    assert "sha256" not in client.get("/health/live")["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    ["/static/nothing.js", "/static/vue/assets/gone-12345678.js", "/media/requests/1/input/upload",
     "/favicon.png", "/main.js", "/.env", "/.git/config", "/docs/.svn/entries", "/assets/x",
     "/accounts/nothing", "/health/nothing"],
)  # fmt: skip
def test_missing_file_is_a_404_and_not_the_page(client: Client, built: Path, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "<html" not in answer.text


def test_page_that_is_not_built_says_so(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.VUE_INDEX = str(tmp_path / "none.html")
    answer = client.get("/")
    assert answer.status_code == 503
    assert "make run" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/login", 200), ("/maps/7/x", 200), ("/mapsx", 404),
     ("//maps", 200), ("/wp-admin", 404)],
)  # fmt: skip
def test_page_knows_what_it_has_nothing_for(
    client: Client, built: Path, path: str, status: int
) -> None:
    built.write_text(TEMPLATE + '<meta name="addresses" content="login maps">')
    answer = client.get(path)
    assert answer.status_code == status
    assert "<html" in answer.text  # which says so in words


def test_built_page_names_its_addresses() -> None:
    index = ROOT / "frontend_vue" / "dist" / "index.html"
    page = render(index.read_text(), page_values())
    assert page.addresses is not None
    assert {"login", "reset", "account"} <= page.addresses
    assert all(page.has(f"/{name}/1") for name in page.addresses)


def test_page_can_only_be_read(client: Client, built: Path) -> None:
    assert client.post("/").status_code == 405


def test_injection_check_stops_the_start_on_a_bad_value(settings: Any, built: Path) -> None:
    settings.VITE_APP = {"STATIC_ROOT": "/static/vue/", "API_ROOT": "api"}
    with pytest.raises(CommandError, match="VITE_APP_API_ROOT must be"):
        call_command("inject_vue_env")


def test_injection_can_write_the_page_for_a_cdn(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("inject_vue_env", output=tmp_path / "out")
    assert data((tmp_path / "out" / "index.html").read_text())["apiRoot"] == "/api/v1/"
    assert "VITE_APP_ENVIRONMENT=test" in capsys.readouterr().out


def test_paths_that_the_page_was_told_are_answered_and_ours_too(
    client: Client, settings: Any, built: Path
) -> None:
    settings.VITE_APP = {"STATIC_ROOT": "/files/of/it/", "API_ROOT": "/back/end/"}
    for path in ("/back/end/version/", "/api/v1/version/"):
        assert client.get(path).json()["version"] == settings.PROJECT.version
    unknown = client.get("/back/end/nothing/")
    assert (unknown.status_code, unknown["Content-Type"]) == (404, "application/problem+json")
    assert client.get("/files/of/it/assets/gone-12345678.js").status_code == 404
    assert client.get("/back/").status_code == 200  # the page, as every other address
