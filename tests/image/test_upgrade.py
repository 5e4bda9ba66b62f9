"""A new release while people work: no request fails and no job is lost."""

import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.image.deployment import ROLES, Deployment
from tests.image.engine import IMAGE, docker
from tests.image.test_production import SAMPLES, states
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
    """People who poll and people who upload, without a pause, until told to stop."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.enough = deployment, threading.Event()
        self.made: list[str] = []
        self.failures: list[str] = []
        self.answers: Counter[str] = Counter()
        self.slowest = 0.0
        people = [self.poll, self.poll, self.poll, self.upload, self.upload]
        with deployment.signed_in(deployment.https()) as api:
            self.token = api.headers["Authorization"]
        self.threads = [threading.Thread(target=self.work, args=[person]) for person in people]

    def work(self, person) -> None:
        with self.deployment.https() as api:
            api.headers["Authorization"] = self.token
            while not self.enough.is_set():
                began = time.monotonic()
                try:
                    person(api)
                except (AssertionError, httpx.HTTPError) as error:
                    self.failures.append(f"{type(error).__name__}: {error}"[:500])
                self.slowest = max(self.slowest, time.monotonic() - began)

    def poll(self, api: Api) -> None:
        for path in ("version-info/", f"{SAMPLES[0][0]}/list/"):
            answer = api.get(path)
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
            if path == "version-info/":
                self.answers[answer.json()["commit"]] += 1
        time.sleep(0.02)

    def upload(self, api: Api) -> None:
        kind, sample = SAMPLES[0]
        self.made.append(api.create(kind, sample.read_bytes(), sample.name)["id"])
        time.sleep(0.3)

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
        wait_for(lambda: len(load.made) > 3, what="people work")
        deployment.configure(IMAGE=NEXT)
        deployment.guide("upgrade")
        after = load.answers["next"]
        wait_for(lambda: load.answers["next"] > after + 20, what="the new release answers")
    assert load.failures == []
    assert len(load.answers) == 2, load.answers  # there was a before and an after
    print(f"\n{load.answers.total()} polls, {len(load.made)} uploads, slowest {load.slowest:.1f} s")  # noqa: T201

    new = docker("image", "inspect", "--format", "{{.Id}}", NEXT)
    for role in ROLES:
        for container in deployment.container(role).splitlines():
            assert docker("inspect", "--format", "{{.Image}}", container) == new
    assert len(deployment.container("web").splitlines()) == 2
    assert deployment.sql("SELECT count(marker) FROM processing_processingrequest") == ["0"]
    with deployment.signed_in(deployment.https()) as api:
        for request_id in load.made:
            done = api.wait(SAMPLES[0][0], request_id, seconds=240)
            assert (done["status"], done["error_message"]) == ("completed", "")
    assert states(deployment).keys() <= {"completed", "failed"}
