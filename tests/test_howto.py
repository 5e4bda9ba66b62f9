"""docs/howto.md: its code makes the feature that it speaks of, and does what it says."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from celery import current_app
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.hashers import make_password
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.urls import include, path
from django.utils import timezone, translation
from django.utils.deprecation import RemovedInNextVersionWarning
from kombu import Queue

import backend_django
from backend_django.config import urls
from backend_django.mail import emails
from backend_django.mail.models import Mail
from backend_django.processing import registry
from backend_django.processing.models import ProcessingRequest, Schedule
from backend_django.processing.runner import run_next
from backend_django.processing.schedules import schedules_run
from backend_django.processing.services import request_create
from backend_django.users.models import User
from backend_django.utils.signatures import new_secret, signed_headers
from scripts import messages
from tests import compose
from tests.feature.tree import Tree
from tests.stack import ROOT, Api, Stack
from tests.wordcount.processor import WordCount

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "howto.md").read_text()
BLOCKS: dict[str, str] = dict(re.findall(r"```\w+ (\S+)\n(.*?)```", GUIDE, re.DOTALL))
COMPOSE = [yaml.safe_load(code) for code in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)]
FILES = {name: code for name, code in BLOCKS.items() if name.startswith("backend_django/")}
PACKAGE = "backend_django.tides"


def write(folder: Path) -> None:
    for name, code in FILES.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(code)
        if target.suffix == ".py":
            (target.parent / "__init__.py").touch()


@pytest.fixture
def tides(
    db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """Install the feature of the guide for one test; return what its settings became."""
    write(tmp_path)
    found = [*backend_django.__path__, str(tmp_path / "backend_django")]
    monkeypatch.setattr(backend_django, "__path__", found)
    made: dict[str, Any] = {"CELERY_BEAT_SCHEDULE": {}}
    import_module(f"{PACKAGE}.configure").configure(made)
    for name in ("TIDES_URL", "TIDES_KEY", "TIDES_HOOK_SECRET"):
        setattr(settings, name, made[name])
    for name in ("registry._processors", "emails._writers"):
        module, _, attribute = name.partition(".")
        target = {"registry": registry, "emails": emails}[module]
        monkeypatch.setattr(target, attribute, dict(getattr(target, attribute)))
    config = import_module(f"{PACKAGE}.apps").TidesConfig(PACKAGE, import_module(PACKAGE))
    config.apps = apps
    monkeypatch.setitem(apps.app_configs, "tides", config)
    config.import_models()
    apps.clear_cache()
    config.ready()
    for name in ("processor", "tasks", "admin"):
        import_module(f"{PACKAGE}.{name}")
    with connection.schema_editor() as editor:
        editor.create_model(config.get_model("Reading"))
    site: Any = ModuleType("urls_of_the_guide")
    site.urlpatterns = [
        path("admin/", admin.site.urls),
        path("api/v1/tides/", include(f"{PACKAGE}.api.urls")),
        *urls.urlpatterns,
    ]
    settings.ROOT_URLCONF = site
    (templates,) = settings.TEMPLATES
    own = [*templates["DIRS"], tmp_path / "backend_django" / "tides" / "templates"]
    settings.TEMPLATES = [{**templates, "DIRS": own}]
    yield made
    with connection.schema_editor() as editor:
        editor.delete_model(config.get_model("Reading"))
    admin.site.unregister(config.get_model("Reading"))
    current_app.tasks.pop(f"{PACKAGE}.tasks.maintenance_forget")
    del apps.all_models["tides"]
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]
    del backend_django.tides  # type: ignore[attr-defined]
    monkeypatch.undo()
    apps.clear_cache()


class Service(BaseHTTPRequestHandler):
    """The service of tides: knows one place, and wants its key."""

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer secret"
        code = (200 if "place=Kiel" in self.path else 404) if allowed else 401
        body = json.dumps({"heights": [0.5, 1.25]}).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service(tides: Any, settings: Any) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        settings.TIDES_URL = f"http://127.0.0.1:{server.server_port}/"
        settings.TIDES_KEY = "secret"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def create(client: Client, place: str) -> ProcessingRequest:
    made = client.post("/api/v1/tides/create/", {"place": place}, content_type="application/json")
    assert made.status_code == 201, made.content
    run_next(queue="processing")
    return ProcessingRequest.objects.get(id=made.json()["id"])


@pytest.mark.django_db(transaction=True)
def test_job_asks_with_its_secret_hands_back_a_file_and_sends_an_email(
    service: None, client: Client, user: User
) -> None:
    client.force_login(user)
    request = create(client, "Kiel")
    assert request.status == "completed", request.error_message
    assert client.get(f"/api/v1/tides/results/{request.id}/").json()["highest"] == 1.25
    table = client.get(f"/api/v1/tides/download-table/{request.id}/")
    assert b"".join(table) == b"0.5\n1.25\n"
    table.close()
    mail = Mail.objects.get(kind="tides_ready")
    email = emails.write(mail.kind, mail.recipient, mail.content)
    assert email is not None
    assert (email.to, email.subject) == ([user.email], "The tides of Kiel")
    assert f"/tides/{request.id}" in email.body
    assert email.attachments == [("tides.csv", "0.5\n1.25\n", "text/csv")]
    refused = create(client, "Bern")
    assert (refused.status, refused.error_code) == ("failed", "no_such_place")
    request.delete()
    assert emails.write(mail.kind, mail.recipient, mail.content) is None


@pytest.mark.django_db(transaction=True)
def test_email_goes_to_who_asked_and_to_whom_the_schedule_names(service: None, user: User) -> None:
    owner = User.objects.create_user("team-1@teams.invalid")
    tides = registry.get_processor("tides")
    request_create(owner=owner, created_by=user, processor=tides, parameters={"place": "Kiel"})
    user.groups.add(Group.objects.create(name="Harbour masters"))
    Schedule.objects.create(kind="tides", done_until=timezone.now() - timedelta(days=1))
    assert schedules_run("tides") == 1
    assert len(run_next(queue="processing") + run_next(queue="processing")) == 2
    assert [mail.recipient for mail in Mail.objects.all()] == [user.email, user.email]


def test_client_uploads_waits_and_downloads(stack: Stack, api: Api, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("one two")
    token = api.headers["Authorization"].removeprefix("Token ")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS["client"], "wordcount", "words.txt", "report"],
        cwd=tmp_path, env=os.environ | {"SITE": stack.url, "TOKEN": token},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("one\ntwo\n", 0), done.stderr


def test_secret_reaches_those_that_use_it() -> None:
    (made,) = (one for one in COMPOSE if "secrets" in one)
    production = compose.read("production.yml")
    ((name, secret),) = made["secrets"].items()
    form = production["secrets"]["django_secret_key"]["file"]
    assert secret["file"] == form.replace("django_secret_key", name)
    variable = name.upper()
    assert f'env("{variable}"' in FILES["backend_django/tides/configure.py"]
    for service, given in made["services"].items():
        assert service in production["services"]
        assert given["secrets"] == [name]
        assert given["environment"] == {f"{variable}_FILE": f"/run/secrets/{name}"}


def readings() -> Any:
    """Return the rows of the guide's model, which mypy does not know."""
    model: Any = apps.get_app_config("tides").get_model("Reading")
    return model.objects


def test_task_is_in_the_schedule_and_forgets(tides: dict[str, Any]) -> None:
    entry = tides["CELERY_BEAT_SCHEDULE"]["tides-forget"]
    for days, name in ((10, "new"), (400, "old")):
        made = readings().create(message_id=name, height=1)
        then = timezone.now() - timedelta(days=days)
        readings().filter(pk=made.pk).update(received_at=then)
    current_app.tasks[entry["task"]].run()
    assert [row.message_id for row in readings().all()] == ["new"]


def test_webhook_is_taken_once_and_only_if_it_is_signed(
    tides: Any, client: Client, settings: Any
) -> None:
    settings.TIDES_HOOK_SECRET = secret = new_secret()
    body = b'{"height": 2.5}'

    def send(
        key: str = secret, sent_at: float = time.time(), changed: dict[str, str] | None = None
    ) -> int:
        signed = signed_headers([key], message_id="m1", timestamp=int(sent_at), body=body)
        return client.post(
            "/api/v1/tides/hook/", body, "application/json", headers=signed | (changed or {})
        ).status_code

    assert send(new_secret()) == 400
    assert send(sent_at=time.time() - 3600) == 400
    assert send(changed={"webhook-timestamp": "soon"}) == 400
    assert client.post("/api/v1/tides/hook/", body, "application/json").status_code == 400
    assert (send(), send()) == (204, 204)
    (row,) = readings().all()
    assert (row.message_id, row.height) == ("m1", 2.5)
    settings.TIDES_HOOK_SECRET = ""
    assert send() == 400


def test_permission_is_asked_for(tides: Any, client: Client, user: User) -> None:
    reading = readings().create(message_id="m1", height=1)
    assert client.post("/api/v1/tides/publish/").status_code == 401
    client.force_login(user)
    assert client.post("/api/v1/tides/publish/").status_code == 403
    create_permissions(apps.app_configs["tides"], verbosity=0)
    user.user_permissions.add(Permission.objects.get(codename="publish_reading"))
    assert client.post("/api/v1/tides/publish/").status_code == 204
    reading.refresh_from_db()
    assert reading.is_published


def test_page_of_the_admin_is_for_staff(tides: Any, client: Client, user: User) -> None:
    readings().create(message_id="m1", height=3.5)
    client.force_login(user)
    assert client.get("/admin/tides/reading/report/").status_code == 302
    client.force_login(User.objects.create_superuser("root@example.org"))
    page = client.get("/admin/tides/reading/report/")
    assert "Highest: 3.5 m" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_another_language_is_a_catalogue_and_a_name_in_the_settings(
    service: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch,
    client: Client, user: User,
) -> None:  # fmt: skip
    """The server's part of “Add a language” in docs/languages.md."""
    folder = tmp_path / "backend_django" / "tides"
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    catalog = messages.collect_catalogue(folder, "fr")
    catalog["The tides of %(place)s"].string = "Les marées de %(place)s"
    target = messages.catalogue(folder, "fr")
    target.parent.mkdir(parents=True)
    target.with_suffix(".mo").write_bytes(messages.compile_catalogue(catalog)[1])
    settings.LANGUAGES = [("en", "English"), ("fr", "Français")]
    settings.LOCALE_PATHS = [folder / "locale"]
    client.force_login(user)
    asked = {"Accept-Language": "fr"}
    assert client.get("/api/v1/auth/session/", headers=asked)["Content-Language"] == "fr"
    request = create(client, "Kiel")
    with translation.override("fr"):
        email = emails.write("tides_ready", user.email, {"request": str(request.id)})
    assert email is not None
    assert email.subject == "Les marées de Kiel"


def test_accounts_come_over_with_their_passwords(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    fields = {
        "password": make_password("correct horse battery staple"), "name": "Ada",
        "email": "Ada@example.org", "is_active": True, "is_staff": False, "is_superuser": False,
        "date_joined": "2024-01-02T03:04:05Z", "last_login": None, "groups": [],
        "user_permissions": [],
    }  # fmt: skip
    (tmp_path / "users.json").write_text(json.dumps([{"model": "users.user", "fields": fields}]))
    monkeypatch.chdir(tmp_path)
    exec(BLOCKS["users"], {})
    signed_in = client.post(
        "/api/v1/auth/login/",
        {"email": "ada@example.org", "password": "correct horse battery staple"},
        content_type="application/json",
    )
    assert signed_in.status_code == 200, signed_in.content


def test_what_the_next_django_removes_fails_a_test_today() -> None:
    with pytest.raises(RemovedInNextVersionWarning):
        warnings.warn("gone soon", RemovedInNextVersionWarning, stacklevel=1)


def test_code_keeps_the_rules_of_style(tmp_path: Path) -> None:
    write(tmp_path)
    config = ["--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [Path(sys.executable).parent / "ruff", *command, *config],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_feature_of_the_guide_passes_what_is_asked_of_all(tmp_path: Path) -> None:
    """Types on both sides, the second page in the build, every address as everybody."""
    tree = Tree(tmp_path / "tree")
    tree.feature("tides", "job", "place:string", inputs="none")
    shutil.rmtree(tree.folder / "backend_django" / "tides" / "tests")
    write(tree.folder)
    page = tree.folder / "frontend_vue" / "src" / "features" / "tides"
    (page / "ReportPage.vue").write_text(BLOCKS["frontend_vue/src/features/tides/ReportPage.vue"])
    before, added = BLOCKS["frontend_vue/src/features/tides/index.ts"].splitlines()
    index = (page / "index.ts").read_text()
    assert before[1:] in index
    index = index.replace(before[1:], f"{before[1:]}\n{added[1:]}")
    (page / "index.ts").write_text(index)
    tree.run(sys.executable, "manage.py", "makemigrations", "tides")
    tree.python("scripts.schema")
    tree.run("git", "add", "-A")
    tree.python("mypy")
    for script in ("format:check", "check", "lint", "build"):
        tree.node(script)
    said = tree.python("pytest", "-q", "-p", "no:cacheprovider", "tests/security/test_access.py",
                       "tests/test_architecture.py", "tests/api/test_contract.py")  # fmt: skip
    assert " passed" in said


@pytest.mark.django_db(transaction=True)
def test_a_queue_is_one_more_that_workers_take(
    user: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = re.search(r"```text\n(settings\[.*)\n```", GUIDE)
    assert line
    made = {"CELERY_TASK_QUEUES": list(settings.CELERY_TASK_QUEUES)}
    exec(line[1], {"settings": made, "Queue": Queue})
    name = made["CELERY_TASK_QUEUES"][-1].name
    assert f'`queue = "{name}"` in the processor' in GUIDE
    (worker,) = (each for one in COMPOSE for each in one["services"].values() if "extends" in each)
    base = compose.read(worker["extends"]["file"])["services"]
    assert base[worker["extends"]["service"]]["command"] == ["/start-celeryworker"]
    assert worker["environment"] == {"CELERY_QUEUES": name}
    monkeypatch.setattr(WordCount, "queue", name)
    file = ContentFile(b"one", name="a.txt")
    request, _ = request_create(
        owner=user, processor=WordCount, inputs={"file": [file]}, parameters={"minimum_length": 1}
    )
    assert run_next(queue="processing") == []
    assert run_next(queue=name) == [str(request.id)]


def test_everything_has_its_place() -> None:
    """Of the files that the answers to “where does it go?” name, one that moved is found here."""
    answers = GUIDE.split("## Where does it go?")[1].split("\n## ")[0]
    named = re.findall(r"`([\w.]+/[\w./-]+)`", answers)
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists() and "<" not in path] == []


def test_jobs_page_imports_what_its_code_takes_from_the_engine() -> None:
    page = (ROOT / "docs" / "jobs.md").read_text()
    first, *others = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    imported: dict[str, Any] = {}
    exec(first, imported)
    nodes = [node for code in others for node in ast.walk(ast.parse(code))]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    engine = {
        name
        for module in ("events", "pipeline", "policies", "processor", "registry")
        for name, value in vars(import_module(f"backend_django.processing.{module}")).items()
        if getattr(value, "__module__", "").startswith("backend_django.")
    }
    assert {"Processor", "minutes"} <= used & engine <= set(imported)
