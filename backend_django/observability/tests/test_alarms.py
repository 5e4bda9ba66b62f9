"""Every alarm rings while a fault of the chaos suite lasts, and its end is told.

The rules are those of docker/prometheus and docker/observability, with seconds in place of minutes
and hours; what they wait for is tested with their own times by promtool.
"""

import json
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from scripts.processes import dies_with_parent, free_port, last_lines
from tests.chaos.cluster import KIND, WORKER, Cluster
from tests.plugin import debian
from tests.server.conftest import Server
from tests.stack import ROOT, Api, wait_for

OBSERVABILITY = ROOT / "docker" / "observability"
RULES = [
    ROOT / "docker/prometheus/alerts.yml",
    *sorted((OBSERVABILITY / "prometheus").glob("*.rules.yml")),
]
ALERTMANAGER = OBSERVABILITY / "alertmanager" / "alertmanager.yml"
DISK_BYTES = 64 * 1024**2
# Windows and waits become seconds, what somebody waits for or the reaper may sleep a few, and what
# is left of a disk goes with the size of ours.
FASTER = [
    (r"for: \d+m", "for: 3s"),
    (r"\[5m", "[5s"),
    (r"\[1h", "[8s"),
    (r"\[(30m|6h)", "[15s"),
    (r":1m\]", ":1s]"),
    (r"(>(?: bool)?) 600", r"\1 8"),
    (r"> 300", "> 4"),
    (r"< 2e9", f"< {DISK_BYTES // 2}"),
]


class Told(ThreadingHTTPServer):
    """Who is told of alarms: it has what was said last of each, and who has rung at all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Message)
        self.state: dict[str, str] = {}
        self.rung: set[str] = set()

    def wait(
        self, status: str, names: set[str], meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        def seen() -> bool:
            meanwhile()
            return all(self.state.get(name, "resolved") == status for name in names)

        try:
            wait_for(seen, seconds=60)
        except AssertionError as error:
            raise AssertionError(f"{names} {status}, not {self.state}") from error


class Message(BaseHTTPRequestHandler):
    server: Told

    def do_POST(self) -> None:
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
            name, status = alert["labels"]["alertname"], alert["status"]
            self.server.state[name] = status
            if status == "firing":
                self.server.rung.add(name)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alarms")


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with Told() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Callable[..., None]]:
    """Run programs until the tests have ended."""
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, *command: Any) -> None:
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                list(map(str, command)), stdout=log, stderr=log, cwd=folder,
                preexec_fn=dies_with_parent(),
            )  # fmt: skip
        running.append(process)

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


def alertmanager(folder: Path, receiver: str) -> list[Any]:
    """Return how to start it; Debian's reads its templates below /usr/share and nowhere else."""
    config = yaml.safe_load(ALERTMANAGER.read_text())
    config["receivers"][0]["webhook_configs"] = [{"url": receiver, "send_resolved": True}]
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    program = debian("prometheus-alertmanager") / "prometheus-alertmanager"
    command = [program, f"--config.file={folder}/alertmanager.yml",
               f"--storage.path={folder}/alertmanager", "--cluster.listen-address="]  # fmt: skip
    if Path("/usr/share/prometheus/alertmanager").exists():
        return command
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c",
              'mount --bind "$0" /usr/share && exec "$@"',
              str(program.parents[1] / "share")]  # fmt: skip
    if not shutil.which("unshare") or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("Alertmanager is not installed, and a namespace for its files is not allowed")
    return [*inside, *command]


class Watched(Cluster):
    """The chaos suite's product with ports for a Prometheus.

    `small` is for a web or a worker beside it, and `machine` for what looks at disks.
    """

    def __init__(self, directory: Path) -> None:
        self.small, self.machine = free_port(), free_port()
        self.disk = directory / "disk"
        super().__init__(
            directory, METRICS_PORT=str(free_port()), PROCESSING_MAX_ATTEMPTS="1",
            PROCESSING_DISK_RESERVE_BYTES="0",
        )  # fmt: skip


def quick_rules(folder: Path) -> list[str]:
    """Write the rules with short times; return the paths."""
    texts = {path.name: path.read_text() for path in RULES}
    for slow, quick in FASTER:
        assert re.search(slow, "".join(texts.values())), f"the rules have no {slow} any more"
        texts = {name: re.sub(slow, quick, text) for name, text in texts.items()}
    for name, text in texts.items():
        assert not re.search(r"for: \d+[mhd]|\[\d+[mhd]|:\d+[mhd]\]", text), "a time is still long"
        (folder / name).write_text(text)
    return [str(folder / name) for name in texts]


@pytest.fixture(scope="module")
def watched(
    folder: Path, prometheus_tools: Path, told: Told, run: Callable[..., None]
) -> Iterator[Watched]:
    """A product that can be broken, with Prometheus and Alertmanager beside it."""
    port = free_port()
    command = alertmanager(folder, f"http://127.0.0.1:{told.server_port}/")
    cluster = Watched(folder / "product")
    targets = [f"127.0.0.1:{each}" for each in (cluster.environment["METRICS_PORT"], cluster.small)]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": quick_rules(folder),
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]},
        "scrape_configs": [
            {"job_name": "web", "static_configs": [{"targets": targets}]},
            {
                "job_name": "machine",
                "static_configs": [{"targets": [f"127.0.0.1:{cluster.machine}"]}],
                # This machine's own may be full.
                "metric_relabel_configs": [
                    {"source_labels": ["mountpoint"], "regex": str(cluster.disk), "action": "keep"}
                ],
            },
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    try:
        cluster.manage("setup")
        cluster.start()
        run("alertmanager", *command, f"--web.listen-address=127.0.0.1:{port}")
        run("prometheus", prometheus_tools / "prometheus",
            f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{free_port()}",
            "--rules.alert.resend-delay=1s")  # fmt: skip
        wait_for(lambda: _answers(port), what=last_lines(folder / "alertmanager.log"))
        yield cluster
    finally:
        cluster.close()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/ready").is_success
    except httpx.TransportError:
        return False


# Each fault lasts until what it has given, to be called meanwhile, is no longer asked for.
Meanwhile = Iterator[Callable[[], object]]


@contextmanager
def database_stops(product: Watched, api: Api) -> Meanwhile:
    """Calls fail, nobody knows when the reaper ran; web itself is there."""
    postgres = product.postgres.process
    assert postgres
    postgres.send_signal(signal.SIGQUIT)
    postgres.wait()
    yield lambda: api.get(f"{KIND}/list/")


@contextmanager
def storage_is_slow(product: Watched, api: Api) -> Meanwhile:
    product.switch.write_text("slow")
    yield lambda: api.create(KIND, b"two words")


@contextmanager
def workers_die(product: Watched, api: Api) -> Meanwhile:
    """Nobody looks for what is lost, which is critical, and what is asked for waits: a warning."""
    product.kill("worker1")
    product.kill("worker2")
    api.create(KIND, b"two words")
    yield lambda: None


@contextmanager
def jobs_are_killed(product: Watched, api: Api) -> Meanwhile:
    """As by the kernel for want of memory. Only an hour ends it, which passes in the database."""
    for _ in range(4):
        api.create(KIND, b"DIE now")
    yield lambda: None
    with psycopg.connect(product.postgres.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE processing_processingattempt SET finished_at = finished_at - interval '1 hour'"
        )


@contextmanager
def jobs_fail(product: Watched, api: Api) -> Meanwhile:
    """For want of a file. The runbook's way ends it: mend it, and retry what has failed."""
    file = product.directory / "needed"
    for _ in range(12):
        api.create(KIND, f"NEED {file}".encode())
    yield lambda: None
    file.touch()
    product.manage("requests", "retry", f"--kind={KIND}", "--error-code=not_there")


@contextmanager
def small_disk(
    product: Watched, *namespaces: str, command: Sequence[Any] = ("cat",)
) -> Iterator[Path]:
    """A tmpfs in a namespace, which goes with the process there; yields it as seen from here."""
    product.disk.mkdir()
    with subprocess.Popen(
        ["unshare", "--map-root-user", "--mount", *namespaces, "sh", "-c",
         'mount -t tmpfs -o "size=$1" tmpfs "$0" && echo && shift && exec "$@"',
         product.disk, str(DISK_BYTES), *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=dies_with_parent(),
    ) as holder:  # fmt: skip
        if not holder.stdout or not holder.stdout.readline():
            pytest.skip("no tmpfs can be mounted in a namespace")
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        try:
            yield Path(f"/proc/{(children or [str(holder.pid)])[0]}/root{product.disk}")
        finally:
            holder.kill()
    product.disk.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    (disk / "full").write_bytes(bytes(DISK_BYTES * 15 // 16))
    yield
    (disk / "full").unlink()


@contextmanager
def disk_fills_up(product: Watched, api: Api) -> Meanwhile:
    """The disk of one web of two."""
    with small_disk(product) as disk:
        server = Server(
            product, defaults=True, METRICS_PORT=str(product.small), PROCESSING_WORK_DIR=str(disk)
        )
        try:
            with filled(disk):
                yield lambda: None
        finally:
            server.stop()


@contextmanager
def disk_of_a_worker_fills_up(product: Watched, api: Api) -> Meanwhile:
    with small_disk(product) as disk:
        product.start_process(
            "worker3", [*WORKER, "-n", "three@%h"],
            CELERY_METRICS_PORT=str(product.small), PROCESSING_WORK_DIR=str(disk),
        )  # fmt: skip
        try:
            with filled(disk):
                yield lambda: None
        finally:
            product.stop("worker3")


@contextmanager
def disk_of_the_machine_fills_up(product: Watched, api: Api) -> Meanwhile:
    """Any of its disks: one in a namespace, where the exporter is the first process."""
    exporter = debian("prometheus-node-exporter") / "prometheus-node-exporter"
    own = ("--pid", "--fork", "--kill-child", "--mount-proc")
    command = exporter, f"--web.listen-address=127.0.0.1:{product.machine}"
    with small_disk(product, *own, command=command) as disk, filled(disk):
        yield lambda: None


@contextmanager
def web_dies(product: Watched, api: Api) -> Meanwhile:
    product.kill("web")
    yield lambda: None


FAULTS: dict[Callable[[Watched, Api], Any], set[str]] = {
    database_stops: {
        "CallsFail", "ErrorBudgetBurnsFast", "ErrorBudgetBurns", "ReaperStandsStill",
    },
    storage_is_slow: {"SpeedBudgetBurnsFast", "SpeedBudgetBurns"},
    workers_die: {
        "RequestsWait", "ReaperStandsStill", "WaitingBudgetBurnsFast", "WaitingBudgetBurns",
    },
    jobs_are_killed: {"WorkersAreLost"},
    jobs_fail: {"RequestsFail"},
    disk_fills_up: {"DiskFillsUp"},
    disk_of_a_worker_fills_up: {"WorkersDiskFillsUp"},
    disk_of_the_machine_fills_up: {"MachineDiskFillsUp"},
    web_dies: {"WebIsDown", "ReaperStandsStill"},
}  # fmt: skip
# Rings on a machine that is busy enough, whatever the fault: a scrape has a second here, too.
OF_TIMES = re.compile("(Speed|Waiting)Budget|RequestsWait|ReaperStandsStill|WebIsDown")


def test_every_alarm_has_a_fault() -> None:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    alarms = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert set.union(*FAULTS.values()) == alarms


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.timeout(240)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_rings_and_its_end_is_told(
    watched: Watched, told: Told, fault: Callable[[Watched, Api], Any]
) -> None:
    alarms = FAULTS[fault]
    # Alertmanager tells of a budget that burns when it no longer burns fast.
    later = {name for name in alarms if name.endswith("BudgetBurns")}
    with watched.client() as api:
        made = api.create(KIND, b"two words")
        api.wait(KIND, made["id"])
        told.wait("resolved", alarms)
        told.rung.clear()
        try:
            with fault(watched, api) as meanwhile:
                told.wait("firing", alarms - later, meanwhile)
        finally:
            watched.recover()
        wait_for(lambda: told.rung >= alarms, seconds=60, what=f"{later} ring, too")
        told.wait("resolved", alarms)
    assert not {name for name in told.rung - alarms if not OF_TIMES.match(name)}
