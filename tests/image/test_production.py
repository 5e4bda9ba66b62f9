"""production.yml with the real image, met from outside: through the published port."""

import hashlib
import itertools
import json
import re
import subprocess
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend_django.processing.registry import all_processors
from scripts.processes import free_port, port_is_free
from tests.image.deployment import HOST, ROLES, Deployment
from tests.image.engine import docker, image
from tests.image.modules import additions
from tests.stack import Api, wait_for
from tests.test_roles import roles

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]
SERVICES = [*ROLES, "redis", "postgres", *itertools.chain(*additions("SERVERS"))]
SAMPLES = [(kind.name, kind.sample) for kind in all_processors() if kind.sample]
HASH_OF_FILES = "find /app -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum"


def main_job(deployment: Deployment, api: Api, kind: str, sample: Path) -> str:
    """Submit, poll, fetch the result and its file, check it; return the request's id."""
    request = api.create(kind, sample.read_bytes(), sample.name)
    done = api.wait(kind, request["id"], seconds=120)
    assert (done["status"], done["error_message"]) == ("completed", "")
    check_result(deployment, api, kind, request["id"])
    return str(request["id"])


def check_result(deployment: Deployment, api: Api, kind: str, request_id: str) -> None:
    result = api.get(f"{kind}/results/{request_id}/").json()
    answer = api.get(str(api.base_url.join(result["download_url"])))
    if answer.is_redirect:  # a signed address, which is all that one needs there
        answer = httpx.get(answer.headers["Location"], verify=deployment.trusted)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == result["sha256"]
    if "validation" in result:
        assert result["validation"]["valid"] is True
    if sniffed_tiff(answer.content):
        assert valid_cog(answer.content)


def sniffed_tiff(content: bytes) -> bool:
    return content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def valid_cog(content: bytes) -> bool:
    check: Any = import_module("rio_cogeo.cogeo")  # which only a project with rasters has
    with import_module("rasterio.io").MemoryFile(content) as file:
        valid, errors, warnings = check.cog_validate(file.name, strict=True, quiet=True)
    return bool(valid) and not errors and not warnings


def states(deployment: Deployment) -> dict[str, int]:
    rows = deployment.sql("SELECT status, count(*) FROM processing_processingrequest GROUP BY 1")
    return {status: int(count) for status, count in (row.split("|") for row in rows)}


def test_one_image_is_all_roles(deployment: Deployment) -> None:
    assert {deployment.inspect(role)["Image"] for role in ROLES} == {image()}


@pytest.mark.parametrize("role", ROLES)
def test_each_container_may_do_next_to_nothing(deployment: Deployment, role: str) -> None:
    container, host = deployment.container(role), deployment.inspect(role)["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    status = docker("exec", container, "cat", "/proc/self/status")
    found = dict(re.findall(r"(?m)^(\w+):\s+(\S+)", status))
    assert (found["Uid"], found["Gid"]) == ("10001", "10001")
    assert (int(found["CapEff"], 16), int(found["CapBnd"], 16)) == (0, 0)
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")
    for path in ("/app/x", "/opt/venv/x", "/x", "/usr/x"):
        done = subprocess.run(["docker", "exec", container, "touch", path], capture_output=True)
        assert b"Read-only file system" in done.stderr, path


def test_only_web_has_a_port(deployment: Deployment) -> None:
    published = {
        service: [
            binding["HostIp"]
            for bindings in deployment.inspect(service)["NetworkSettings"]["Ports"].values()
            for binding in bindings or []
        ]
        for service in [*ROLES, "postgres", "redis"]
    }
    assert {service for service, hosts in published.items() if hosts} == {"web"}
    assert published["web"] == ["127.0.0.1"]
    assert set(deployment.inspect("nginx")["HostConfig"]["PortBindings"]) == {
        "8080/tcp", "8443/tcp",
    }  # fmt: skip
    for service in ("postgres", "redis"):
        networks = deployment.inspect(service)["NetworkSettings"]["Networks"]
        assert list(networks) == [f"{deployment.project}_data"]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_main_job(deployment: Deployment, kind: str, sample: Path) -> None:
    with deployment.signed_in() as api:
        main_job(deployment, api, kind, sample)


def test_headers_and_files(deployment: Deployment) -> None:
    with deployment.api() as api:
        root = f"http://127.0.0.1:{deployment.port}"
        page = api.get(f"{root}/")
        assert page.status_code == 200
        assert page.headers["Strict-Transport-Security"] == "max-age=3600"  # begins short
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "private, no-cache"
        assert "PLACEHOLDER" not in page.text
        files = re.findall(r'(?:src|href)="(/static/vue/assets/[^"]+)"', page.text)
        assert files
        for path in files:
            file = api.get(root + path, headers={"Accept-Encoding": "br"})
            assert file.status_code == 200
            assert "immutable" in file.headers["Cache-Control"]
        assert "br" in {api.get(root + path).headers.get("Content-Encoding") for path in files}
        assert api.get(f"{root}/static/vue/index.html").status_code == 404
        info = api.get("version-info/").json()
        assert info["environment"] == "production"
        assert re.fullmatch("[0-9a-f]{40}", info["commit"])
        plain = api.get(f"{root}/login", headers={"X-Forwarded-Proto": "http"})
        assert (plain.status_code, plain.headers["Location"]) == (301, f"https://{HOST}/login")
        assert api.get(f"{root}/", headers={"Host": "127.0.0.1"}).status_code == 400
    for probe in ("live", "ready"):  # by address, without TLS
        assert httpx.get(f"{root}/health/{probe}").status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_logs_are_json(deployment: Deployment, role: str) -> None:
    lines = deployment.compose("logs", "--no-log-prefix", role).splitlines()
    lines = [line.replace("\x1b[2K", "").lstrip("\x1b[K2") for line in lines]
    first = next((i for i, line in enumerate(lines) if line.startswith("{")), None)
    assert first is not None, lines
    assert role == "web" or first == 0
    for line in lines[first:]:
        if not line or line == "worker: Warm shutdown (MainProcess)":  # Celery's own last words
            continue
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys(), line


def test_commands_of_the_guide(deployment: Deployment) -> None:
    assert "celeryworker" in deployment.guide("look")
    deployment.guide("manage")


@pytest.fixture
def impatient(deployment: Deployment) -> Iterator[Deployment]:
    """The worker has no time to end what it works on when it is stopped."""
    alone = ["up", "--detach", "--wait", "--no-deps", "celeryworker"]
    deployment.configure(PROCESSING_STOP_GRACE_SECONDS="0")
    deployment.compose(*alone)
    yield deployment
    del deployment.settings["PROCESSING_STOP_GRACE_SECONDS"]
    deployment.configure()
    deployment.compose(*alone)


@pytest.mark.skipif(not SAMPLES, reason="no feature brings a sample")
def test_a_stopped_worker_gives_its_work_back(impatient: Deployment) -> None:
    kind, sample = SAMPLES[0]
    content = sample.read_bytes()
    with impatient.signed_in() as api:
        made = [api.create(kind, content, sample.name)["id"] for _ in range(8)]
        wait_for(lambda: "processing" in states(impatient), what="the worker works")
        impatient.compose("stop", "celeryworker")
        state = impatient.inspect("celeryworker")["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
        left = states(impatient)
        assert "processing" not in left  # nobody holds anything any more
        assert left["pending"] > 0
        begun = "FROM processing_processingrequest WHERE status = 'pending' AND attempt > 0"
        assert int(impatient.sql(f"SELECT count(*) {begun}")[0]) > 0
        impatient.compose("start", "celeryworker")
        for request_id in made:
            assert api.wait(kind, request_id, seconds=240)["status"] == "completed"
    count = "SELECT count(*) - count(DISTINCT request_id) FROM processing_processingresult"
    assert impatient.sql(count) == ["0"]


@pytest.mark.parametrize("service", SERVICES)
def test_each_container_can_be_restarted(deployment: Deployment, service: str) -> None:
    """Nothing is lost: what was there is there, and the main job runs again."""
    with deployment.signed_in() as api:
        before = [main_job(deployment, api, kind, sample) for kind, sample in SAMPLES]
        users = deployment.sql("SELECT count(*) FROM users_user")
        began = time.monotonic()
        deployment.compose("restart", service)
        assert time.monotonic() - began < 40
        deployment.wait_healthy(service, *ROLES)
        assert deployment.sql("SELECT count(*) FROM users_user") == users
        for (kind, sample), request_id in zip(SAMPLES, before, strict=True):
            check_result(deployment, api, kind, request_id)
            main_job(deployment, api, kind, sample)


# What hangs: everything in the container but what watches it.
FREEZE = """
import os, signal
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    command = open(f"/proc/{pid}/cmdline").read().split(chr(0))
    if pid not in (1, os.getpid()) and not any(part.endswith("/watch") for part in command):
        os.kill(pid, signal.SIGSTOP)
"""


@pytest.mark.parametrize("role", ["web", "celeryworker", "celerybeat"])
def test_container_that_hangs_is_ended_and_started_again(deployment: Deployment, role: str) -> None:
    deployment.wait_healthy(role)
    began = deployment.inspect(role)["State"]["StartedAt"]
    docker("exec", deployment.container(role), "python", "-c", FREEZE)
    wait_for(
        lambda: deployment.inspect(role)["State"]["StartedAt"] != began,
        seconds=60,
        what=f"{role} is started again",
    )
    deployment.wait_healthy(*ROLES)
    with deployment.signed_in() as api:
        for kind, sample in SAMPLES:
            main_job(deployment, api, kind, sample)


def files_of(deployment: Deployment) -> str:
    return docker("exec", deployment.container("web"), "sh", "-c", HASH_OF_FILES)


def test_values_change_the_page_and_no_built_file(deployment: Deployment) -> None:
    files, page = files_of(deployment), f"http://127.0.0.1:{deployment.port}/"
    alone = ["up", "--detach", "--wait", "--no-deps", "web"]
    with deployment.api() as api:
        usual = api.get(page).text
        changed = {
            "VITE_APP_API_ROOT": "/back/end/",
            "VITE_APP_STATIC_ROOT": "/files/of/it/",
            "APP_ENVIRONMENT": "staging",
        }
        try:
            deployment.configure(**changed)
            deployment.compose(*alone)
            now = api.get(page).text
            assert '"/back/end/"' in now
            script = re.search(r'src="(/files/of/it/assets/[^"]+)"', now)
            assert script
            file = api.get(str(httpx.URL(page).join(script[1])))
            assert (file.status_code, "immutable" in file.headers["Cache-Control"]) == (200, True)
            assert api.get(f"{page}back/end/version/").status_code == 200
            assert '"staging"' in now
            assert "/static/vue/" not in now
            assert files_of(deployment) == files
        finally:
            for name in changed:
                del deployment.settings[name]
            deployment.configure()
            deployment.compose(*alone)
        assert api.get(page).text == usual


@pytest.mark.parametrize("command", sorted({row["command"][0] for row in roles().values()}))
def test_a_bad_value_stops_each_container(deployment: Deployment, command: str) -> None:
    done = deployment.attempt(
        "run", "--rm", "--no-deps", "--env=VITE_APP_API_ROOT=/api'><b>/", "celeryworker", command
    )
    assert done.returncode == 1
    expected = "entrypoint: VITE_APP_API_ROOT must be a path such as /static/vue/"
    assert expected in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "ports"),
    [
        ({}, "5000"),
        ({"WEB_REPLICAS": "2"}, "5000-5009"),
        ({"WEB_REPLICAS": "2", "WEB_PORT": "6000-6001"}, "6000-6001"),
    ],
)
def test_replicas_have_a_port_each(tmp_path: Path, settings: dict[str, str], ports: str) -> None:
    deployment = Deployment(tmp_path, **{"WEB_PORT": "", **settings})
    composed = json.loads(deployment.compose("config", "--format", "json"))
    (port,) = composed["services"]["web"]["ports"]
    assert port["published"] == ports


def test_four_replicas_on_an_empty_database(tmp_path: Path) -> None:
    port = next(
        port for port in iter(free_port, None) if all(port_is_free(port + n) for n in range(4))
    )
    with Deployment(tmp_path, WEB_PORT=f"{port}-{port + 3}") as fresh:
        fresh.compose("up", "--detach", "--wait", "--scale", "web=4", "web")
        assert len(fresh.container("web").splitlines()) == 4
        for offset in range(4):
            with fresh.api(port + offset) as api:
                assert api.get("version/").status_code == 200
        log = fresh.compose("logs", "--no-log-prefix", "web")
        assert log.count("created the superuser") == 1
        for query, expected in {
            "SELECT email FROM users_user": ["admin@example.org"],
            "SELECT email FROM account_emailaddress WHERE verified": ["admin@example.org"],
            "SELECT count(*) - count(DISTINCT (app, name)) FROM django_migrations": ["0"],
            "SELECT count(*) - count(DISTINCT name) FROM auth_group": ["0"],
            "SELECT count(*) FROM site_config_setupflag WHERE NOT setup_complete": ["0"],
        }.items():
            assert fresh.sql(query) == expected, query
        data = dump(fresh)
        fresh.compose("up", "--detach", "--wait", "--force-recreate", "--scale", "web=4", "web")
        assert dump(fresh) == data


def dump(deployment: Deployment) -> list[Any]:
    tables = ("auth_group", "users_user", "account_emailaddress", "site_config_setupflag")
    return [deployment.sql(f"TABLE {name}") for name in (*tables, "django_migrations")]
