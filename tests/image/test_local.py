"""local.yml: one command, and every change of a source shows at once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend_django.processing.registry import all_processors
from scripts.processes import free_port
from tests.image.engine import engine, run
from tests.stack import Api, wait_for
from tests.tree import copy_of_the_sources

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]
ACCOUNT = ("admin@example.com", "only-on-this-machine")


class Local:
    """A copy of the sources, up."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        names = ["PORT", "MAIL_PORT"]
        names += ["FLOWER_PORT"]  # [flower]
        self.ports = {name: free_port() for name in names}
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name in {"PATH", "HOME"} or name.startswith("DOCKER_")
        } | {name: str(port) for name, port in self.ports.items()}
        self.environment |= {"COMPOSE_PROJECT_NAME": "app-local-test"}

    def url(self, name: str = "PORT") -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def compose(self, *arguments: str, **options: Any) -> str:
        command = ["docker", "compose", "--file", "local.yml", *arguments]
        return run(*command, cwd=self.tree, env=self.environment, **options).stdout

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.tree / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def files(self) -> set[Path]:
        return set(self.tree.rglob("*"))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    engine("maildev")
    made = Local(copy_of_the_sources(tmp_path_factory.mktemp("local") / "tree"))
    try:
        made.compose("up", "--detach", "--build", "--wait")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "5", check=False)


@pytest.fixture(scope="module")
def api(local: Local) -> Iterator[Api]:
    with Api(local.url()) as client:
        client.sign_in(*ACCOUNT)
        yield client


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


# [s3]
def test_files_are_in_the_bucket_and_reached_by_the_pages_address(local: Local, api: Api) -> None:
    for kind in all_processors():
        if kind.sample:
            first = api.get(f"{kind.name}/list/").json()["results"][0]
            result = api.get(f"{kind.name}/results/{first['id']}/").json()
            answer = api.get(str(api.base_url.join(result["download_url"])))
            assert answer.status_code == 302, answer.text
            address = answer.headers["Location"]
            assert address.startswith(f"http://localhost:{local.ports['PORT']}/app-files/")
            assert httpx.get(address).raise_for_status().content


# [/s3]
# [flower]
def test_flower_wants_its_password(local: Local) -> None:
    workers = f"{local.url('FLOWER_PORT')}/workers"
    assert httpx.get(workers).status_code == 401
    assert httpx.get(workers, auth=("flower", ACCOUNT[1])).status_code == 200


# [/flower]
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
