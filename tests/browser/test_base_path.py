"""All of the product below a path of a host whose root is another program's."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.guide import GUIDE
from tests.mail_server import MailServer
from tests.nginx import running_nginx
from tests.stack import ADMIN, Api, Stack, migrated_database, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.matrix]
BASE = "/river"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    url = migrated_database("base_path")
    made = Stack(tmp_path_factory.mktemp("base_path"), url, BASE_PATH=BASE)
    with made.running():
        yield made


def addresses(value: Any) -> Iterator[str]:
    """Yield every address in an answer of the API."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from addresses(each)
    elif isinstance(value, str) and re.match(r"https?://|/\w", value):
        yield value


@pytest.mark.parametrize("prefix", [BASE, ""], ids=["passed on", "removed"])
def test_every_address_that_is_given_out_is_below_it(stack: Stack, prefix: str) -> None:
    with Api(stack.url + prefix) as api:
        api.sign_in(**ADMIN)
        made = api.create("wordcount", b"one two")
        api.wait("wordcount", made["id"])
        seen = []
        for path in (f"wordcount/status/{made['id']}", f"wordcount/results/{made['id']}",
                     f"requests/details/{made['id']}", "auth/session", "schema"):  # fmt: skip
            answer = api.get(f"{path}/")
            assert answer.status_code == 200, path
            given = answer.json() if path != "schema" else answer.json()["servers"]
            seen += [urlsplit(each).path for each in addresses(given)]
        assert len(seen) > 3
        assert [path for path in seen if not path.startswith(f"{BASE}/")] == []


def test_mails_lead_below_it(stack: Stack, mail_server: MailServer) -> None:
    with Api(f"{stack.url}{BASE}") as api:
        api.post("auth/password/reset/", json={"email": ADMIN["email"]})
    mail = wait_for(lambda: mail_server.mails, what="the mail")[0]
    text = mail.get_body(("plain",))
    assert text
    links = re.findall(r"https?://[^\s/]+(/\S*)", text.get_content())
    assert links
    assert all(path.startswith(f"{BASE}/") for path in links), links


def test_the_block_of_the_guide_says_what_is_needed(
    stack: Stack, mail_server: MailServer, tmp_path: Path
) -> None:
    """As another program's nginx has it: docs/deploy.md, “Below a path”."""
    (block,) = re.findall(r"(?s)```text\n(location .*?\n\}\n)```", GUIDE.read_text())
    (tmp_path / "river.conf").write_text(block)
    servers = {"127.0.0.1:5000": stack.port, "web:5000": stack.port}
    confs = {"river.conf": tmp_path / "river.conf"}
    with running_nginx(tmp_path / "nginx", servers, confs) as gateway:
        trusted = ssl.create_default_context(cafile=gateway.folder / "fullchain.pem")
        with Api(f"{gateway.url}{BASE}", verify=trusted) as api:
            api.headers["Referer"] = gateway.url
            api.sign_in(**ADMIN)
            made = api.create("wordcount", b"one two")
            assert api.wait("wordcount", made["id"])["status"] == "completed"
            large = {"file": ("large.txt", b"word " * 500_000)}
            refused = api.post("wordcount/create/", files=large)  # by us: nginx would at 1 MB
            assert refused.headers["Content-Type"] == "application/problem+json"
            api.post("auth/password/reset/", json={"email": ADMIN["email"]})
    mail = wait_for(lambda: mail_server.mails, what="the mail")[0]
    text = mail.get_body(("plain",))
    assert text
    assert f"https://127.0.0.1{BASE}/" in text.get_content(), "Host and X-Forwarded-Proto"


def test_a_person_signs_in_works_and_signs_out(page: Page, stack: Stack) -> None:
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(urlsplit(sent.url).path))
    page.goto(f"{BASE}/account")
    expect(page).to_have_url(re.compile(rf"{BASE}/login\?next=/account"))
    page.get_by_label("Email", exact=True).fill(ADMIN["email"])
    page.get_by_label("Password", exact=True).fill(ADMIN["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile(f"{BASE}/account$"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    cookies = page.context.cookies()
    assert {cookie["path"] for cookie in cookies} == {BASE}
    page.goto(f"{BASE}/admin/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto(f"{BASE}/account")
    page.get_by_role("link", name="API documentation").click()
    expect(page).to_have_url(re.compile(f"{BASE}/api/v1/docs/"))
    page.goto(f"{BASE}/account")
    page.get_by_role("button", name=re.compile("account", re.I)).first.click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page).to_have_url(re.compile(f"{BASE}/login"))
    assert len(asked) > 20
    assert [path for path in asked if not path.startswith(f"{BASE}/")] == []
