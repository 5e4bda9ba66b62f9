"""A new release while people work: no request fails and no job is lost."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.image.deployment import ROLES, Deployment
from tests.image.engine import IMAGE, docker
from tests.image.modules import additions
from tests.image.test_production import SAMPLES
from tests.stack import ROOT, Api, wait_for

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]
NEXT = "app:next-under-test"
MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("processing", "{newest}")]
    operations = [
        migrations.RunSQL("ALTER TABLE processing_processingrequest ADD COLUMN marker integer")
    ]
"""


def next_release(folder: Path) -> None:
    """The image under test with one more migration and another commit."""
    names = (ROOT / "backend_django" / "processing" / "migrations").glob("0*.py")
    folder.mkdir()
    (folder / "9999_marker.py").write_text(MIGRATION.format(newest=max(n.stem for n in names)))
    (folder / "Dockerfile").write_text(
        f"FROM {IMAGE}\n"
        "COPY 9999_marker.py /app/backend_django/processing/migrations/\n"
        "ENV APP_COMMIT=next\n"
    )
    docker("build", "--quiet", "--tag", NEXT, str(folder))


class Load:
    """People who look, and people who upload, wait for the result and upload again, until told to
    stop. So there is always work under way, and never more than a person each waits for."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.enough = deployment, threading.Event()
        self.completed: list[str] = []
        self.failures: list[str] = []
        self.codes: Counter[int] = Counter()
        self.commits: Counter[str] = Counter()
        people = [self.look, self.look, self.upload, self.upload]
        with deployment.signed_in(deployment.https()) as api:
            self.token = api.headers["Authorization"]
        self.threads = [threading.Thread(target=self.work, args=[person]) for person in people]

    def work(self, person: Callable[[Api], None]) -> None:
        with self.deployment.https() as api:
            api.headers["Authorization"] = self.token
            api.event_hooks = {"response": [self.pause]}
            while not self.enough.is_set():
                try:
                    person(api)
                except (AssertionError, httpx.HTTPError) as error:
                    self.failures.append(f"{type(error).__name__}: {error}"[:500])

    def pause(self, answer: httpx.Response) -> None:
        self.codes[answer.status_code] += 1
        self.enough.wait(0.1)

    def look(self, api: Api) -> None:
        self.commits[api.get("version-info/").json()["commit"]] += 1
        api.get(f"{SAMPLES[0][0]}/list/")

    def upload(self, api: Api) -> None:
        kind, sample = SAMPLES[0]
        request_id = api.create(kind, sample.read_bytes(), sample.name)["id"]
        done = api.wait(kind, request_id, seconds=120)
        assert (done["status"], done["error_message"]) == ("completed", ""), done
        self.completed.append(request_id)

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.skipif(not SAMPLES, reason="no feature brings a sample")
def test_no_request_fails_and_no_job_is_lost(deployment: Deployment, tmp_path: Path) -> None:
    next_release(tmp_path / "next")
    deployment.configure(WEB_REPLICAS="2", WEB_PORT="0")
    deployment.guide("up")
    assert len(deployment.container("web").splitlines()) == 2
    with Load(deployment) as load:
        wait_for(lambda: len(load.completed) > 3, seconds=120, what="people work")
        deployment.configure(IMAGE=NEXT)
        deployment.guide("upgrade", *additions("UPGRADE"))
        done = len(load.completed)
        wait_for(lambda: len(load.completed) > done + 3, seconds=120, what="people go on")
    assert load.failures == []
    assert load.codes.keys() == {200, 201}, load.codes
    assert len(load.commits) == 2, load.commits  # there was a before and an after
    print(f"\n{load.codes.total()} requests, {len(load.completed)} uploads completed")  # noqa: T201

    new = docker("image", "inspect", "--format", "{{.Id}}", NEXT)
    for role in ROLES:
        for container in deployment.container(role).splitlines():
            assert docker("inspect", "--format", "{{.Image}}", container) == new, role
    assert len(deployment.container("web").splitlines()) == 2
    assert deployment.sql("SELECT count(marker) FROM processing_processingrequest") == ["0"]
    twice = "SELECT count(*) - count(DISTINCT request_id) FROM processing_processingresult"
    assert deployment.sql(twice) == ["0"]
