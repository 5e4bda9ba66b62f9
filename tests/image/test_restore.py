"""A second machine: what the first one backed up, restored by the commands of the guide."""

from collections.abc import Iterator

import pytest

from tests.image.deployment import Deployment
from tests.image.test_production import SAMPLES, check_result, main_job

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]
TABLES = ("users_user", "processing_processingrequest", "processing_processingresult")


def rows(deployment: Deployment) -> dict[str, list[str]]:
    return {name: sorted(deployment.sql(f"TABLE {name}")) for name in TABLES}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with Deployment(tmp_path_factory.mktemp("second")) as made:
        yield made


def test_a_second_machine_has_the_same(deployment: Deployment, second: Deployment) -> None:
    with deployment.signed_in() as api:
        known = [(kind, main_job(deployment, api, kind, sample)) for kind, sample in SAMPLES]
    deployment.guide("backup")
    expected = rows(deployment)
    archive = deployment.folder / "backup.tar"
    assert archive.stat().st_mode & 0o777 == 0o600
    archive.rename(second.folder / archive.name)
    second.guide("restore")
    found = rows(second)
    assert found == expected
    with second.signed_in() as api:
        for kind, request_id in known:
            check_result(second, api, kind, request_id)
    again = second.attempt(
        "run", "--rm", "-T", "web", "python", "manage.py", "restore", "/dev/null"
    )
    assert again.returncode == 1
    assert "The database is not empty" in again.stderr + again.stdout


def test_secrets_can_be_exchanged_and_all_be_stopped(second: Deployment) -> None:
    second.guide("up")
    second.guide("recreate")
    second.guide("down")
    assert second.compose("ps", "--all", "--quiet") == ""
    second.guide("up")  # the data are still there
    assert second.sql("SELECT email FROM users_user") == ["admin@example.org"]
    with second.signed_in() as api:
        assert api.get("auth/user/").json()["email"] == "admin@example.org"
