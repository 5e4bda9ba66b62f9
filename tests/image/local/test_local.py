"""local.yml: one command, and every change of a source shows at once."""

import httpx
import pytest

from backend_django.processing.registry import all_processors
from tests.stack import Api, wait_for

from .conftest import Local

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]


def test_page_api_and_sample_are_there(local: Local, api: Api) -> None:
    page = httpx.get(f"{local.url()}/").text
    assert "/@vite/client" in page
    assert "PLACEHOLDER" not in httpx.get(f"{local.url()}/api/v1/version-info/").text
    answer = api.get("version-info/")
    assert answer.json()["environment"] == "local"
    assert answer.headers["Server"].startswith("Werkzeug/")  # runserver_plus
    for kind in all_processors():
        if kind.sample:
            first = api.get(f"{kind.name}/list/").json()["results"][0]
            assert api.wait(kind.name, first["id"])["status"] == "completed"


def test_mail_is_caught(local: Local) -> None:
    address, password = "ada@example.org", "correct horse battery staple"
    answer = httpx.post(
        f"{local.url()}/api/v1/auth/registration/",
        json={"email": address, "password1": password, "password2": password},
    )
    assert answer.status_code == 201, answer.text
    mails = f"{local.url('MAIL_PORT')}/email"
    wait_for(lambda: address in httpx.get(mails).text, what="the mail is in the catcher")


def test_a_change_reloads_django_worker_and_page(local: Local) -> None:
    def live() -> str:
        try:
            return httpx.get(f"{local.url()}/health/live").text
        except httpx.TransportError:
            return ""

    before, starts = local.files(), local.compose("logs", "celeryworker").count("ready.")
    local.edit("backend_django/site_config/views.py", '{"status": "ok"}', '{"status": "reloaded"}')
    wait_for(lambda: "reloaded" in live(), seconds=60, what="Django reloads")
    wait_for(
        lambda: local.compose("logs", "celeryworker").count("ready.") > starts,
        seconds=60,
        what="the worker reloads",
    )
    local.edit("frontend_vue/src/main.ts", "import", "globalThis.reloaded = true\nimport")
    main = f"{local.url()}/src/main.ts"
    wait_for(lambda: "reloaded" in httpx.get(main).text, seconds=60, what="the page reloads")
    assert local.files() == before  # the containers write nothing into the sources
