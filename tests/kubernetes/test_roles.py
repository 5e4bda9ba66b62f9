"""The chart's roles are those of the table, and their environment is that of production.yml."""

import re

import pytest
import yaml

from tests.kubernetes.helm import CHART, pods, render
from tests.test_roles import compose, roles, size

VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
# A cluster takes pods away at any time, so what a stop waits for is the cluster's own decision.
LONGER = {"celeryworker"}


@pytest.mark.parametrize("role", roles())
def test_a_role_is_as_the_table_has_it(role: str) -> None:
    row, ours = roles()[role], VALUES["roles"][role]
    limit = re.fullmatch(r"(\d+)(Mi|Gi)", ours["resources"]["limits"]["memory"])
    assert limit
    number, unit = limit.groups()
    assert size(number + unit[0].lower()) == size(row["memory"])
    for name in ("command", "port", "singleton", "queues"):
        assert ours.get(name) == row.get(name), name
    assert ours.get("files", False) == row.get("files", False)
    assert ours["grace"] == row["grace"] or (role in LONGER and ours["grace"] > row["grace"])
    secrets = sorted(name.lower() for name in ours.get("secrets", []))
    wanted = sorted(row.get("secrets", []))
    assert len(secrets) == len(wanted)
    assert all(map(str.endswith, secrets, wanted)), (secrets, wanted)


def test_the_chart_has_no_other_roles() -> None:
    assert set(VALUES["roles"]) == set(roles())


@pytest.mark.slow
@pytest.mark.parametrize("role", roles())
def test_a_pod_gets_the_environment_of_its_container(role: str) -> None:
    objects = render("ingress")
    (settings,) = [one["data"] for one in objects if one["kind"] == "ConfigMap"]
    variables = pods(objects)[f"app-{role}"]["spec"]["containers"][0]["env"]
    names = {one["name"] for one in variables} | set(settings)
    wanted = {name.removesuffix("_FILE") for name in compose("production.yml")[role]["environment"]}
    assert wanted - names <= {"DJANGO_SETTINGS_MODULE", "PROCESSING_STOP_GRACE_SECONDS"}


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_try_has_the_servers_of_production(name: str) -> None:
    assert VALUES["dev"][name] == compose("production.yml")[name]["image"]
