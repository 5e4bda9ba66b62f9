"""The product on servers of its own that may be killed, and a ledger of what it promised."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from scripts.services import Postgres, Valkey
from tests.proxy import Proxy
from tests.stack import ADMIN, ROOT, Stack, wait_for

KIND = "wordcount"
FINAL = ("completed", "failed", "cancelled")
LEASE_SECONDS = 6  # as in config/settings/test.py
STUCK_SECONDS = 2 * LEASE_SECONDS
WORKER = ["celery", "-A", "backend_django.config.celery_app", "worker", "-c", "2"]


class Cluster(Stack):
    """Web, two workers and beat on a private PostgreSQL and Valkey."""

    commands = {
        "web": Stack.commands["web"],
        "worker1": [*WORKER, "-n", "one@%h"],
        "worker2": [*WORKER, "-n", "two@%h"],
        "beat": Stack.commands["beat"],
    }

    def __init__(self, directory: Path, **environment: str) -> None:
        self.postgres = Postgres(directory / "postgres", durable=True).start()
        self.valkey = Valkey(None).start()
        self.switch = directory / "storage-mode"
        self.journal = directory / "journal"
        super().__init__(
            directory,
            self.postgres.url,
            REDIS_URL=self.valkey.url,
            TEST_APPS="tests.wordcount.apps.WordCountConfig,tests.chaos.apps.ChaosConfig",
            TEST_STORAGE="tests.chaos.hooks.FlakyStorage",
            CHAOS_STORAGE=str(self.switch),
            CHAOS_JOURNAL=str(self.journal),
            PROCESSING_TIME_LIMIT_SECONDS="25",
            **environment,
        )

    def pool_children(self, worker: str) -> list[int]:
        """Process ids of a worker's pool."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.processes[worker].pid)],
            capture_output=True, text=True,
        )  # fmt: skip
        return [int(pid) for pid in listed.stdout.split()]

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            return connection.execute(statement, values).fetchall()

    def recover(self) -> None:
        """Start again what a fault has ended, as a supervisor would."""
        self.switch.unlink(missing_ok=True)
        for server in (self.postgres, self.valkey):
            if server.process is None or server.process.poll() is not None:
                server.start()
        for name in self.commands:
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                self.start(name)

    def close(self) -> None:
        self.stop()
        self.valkey.stop()
        self.postgres.stop()


class ProxiedCluster(Cluster):
    """The same with a proxy before each server, which makes it hang instead of refuse."""

    def __init__(self, directory: Path, storage: Any = None) -> None:
        super().__init__(directory)
        servers = {
            "database": (self.postgres.port, "DATABASE_URL"),
            "broker": (self.valkey.port, "REDIS_URL"),
        }
        if storage is not None:
            servers["storage"] = storage.port, storage.url_variable
            del self.environment["TEST_STORAGE"]
            self.environment |= storage.environment
        self.proxies = {}
        for name, (port, variable) in servers.items():
            self.proxies[name] = Proxy(port or 0).start()
            self.environment[variable] = self.proxies[name].url(self.environment[variable])

    def recover(self) -> None:
        for proxy in self.proxies.values():
            proxy.fault = None
        super().recover()

    def close(self) -> None:
        super().close()
        for proxy in self.proxies.values():
            proxy.stop()


@dataclass
class Row:
    """One line of the table in docs/reliability.md."""

    case: str
    accepted: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    stuck: int = 0
    duplicates: int = 0
    orphans: int = 0
    slowest: float = 0.0  # says as much of the machine as of the product
    load: float = 0.0  # processes that wanted to run, for each processor of the machine

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.stuck or self.duplicates or self.orphans)


class Ledger:
    """Submits, remembers what was accepted, and later holds the product to it."""

    def __init__(self, cluster: Cluster, case: str) -> None:
        self.cluster = cluster
        self.row = Row(case)
        self.accepted: list[str] = []
        self.deleted: set[str] = set()
        self.answers: Counter[int | str] = Counter()  # to submits, by status code
        self._lock = threading.Lock()
        self.headers: dict[str, str] = {}
        self.sign_in()

    def sign_in(self) -> None:
        key = self.call("POST", "auth/login/", json=ADMIN).json()["key"]
        self.headers = {"Authorization": f"Token {key}"}

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        began = time.monotonic()
        try:
            return httpx.request(
                method,
                f"{self.cluster.url}/api/v1/{path}",
                headers=self.headers | options.pop("headers", {}),
                timeout=30,
                **options,
            )
        finally:
            with self._lock:
                self.row.slowest = max(self.row.slowest, time.monotonic() - began)

    def submit(self, content: bytes = b"one two", kind: str = KIND) -> str | None:
        """Return the id when the request was accepted; None for an error or no answer."""
        try:
            answer = self.call("POST", f"{kind}/create/", files={"file": ("a.txt", content)})
        except httpx.TransportError as error:
            self._note(type(error).__name__)
            return None
        self._note(answer.status_code)
        if answer.status_code != 201:
            return None
        with self._lock:
            self.accepted.append(answer.json()["id"])
        return answer.json()["id"]

    def _note(self, answer: int | str) -> None:
        with self._lock:
            self.answers[answer] += 1

    def submit_many(self, count: int, content: bytes = b"one two", kind: str = KIND) -> list[str]:
        return [r for r in (self.submit(content, kind) for _ in range(count)) if r]

    def status(self, request_id: str, kind: str = KIND) -> dict[str, Any]:
        return self.call("GET", f"{kind}/status/{request_id}/").json()

    def wait(self, request_id: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            now = self.status(request_id)
            return now if now["status"] in (states or FINAL) else None

        found = wait_for(look, seconds=seconds, what=f"{request_id} is {states or FINAL}")
        assert found is not None
        return found

    def settle(
        self, *, work_seconds: float = 10, once: bool = False, web_died: bool = False
    ) -> Row:
        """Wait until everything is over or clearly stuck, then count.

        Args:
            work_seconds: how long the work itself may take, after which two leases may pass.
            once: count a job that ran to its end twice as a duplicate; without faults to workers
                it must not.
            web_died: uploads whose process died have a row of their own until it expires and the
                reaper removes them; wait for that.
        """
        row, cluster = self.row, self.cluster
        ids = [i for i in self.accepted if i not in self.deleted]
        deadline = time.monotonic() + work_seconds + STUCK_SECONDS
        while time.monotonic() < deadline and self._unfinished():
            time.sleep(0.2)
        row.stuck = self._unfinished()
        states = {
            str(request_id): (status, code)
            for request_id, status, code in cluster.query(
                "SELECT id, status, error_code FROM processing_processingrequest"
            )
        }
        row.accepted = len(self.accepted)
        row.lost = sum(i not in states for i in ids)
        row.outcomes = Counter(
            code if status == "failed" else status
            for status, code in (states[i] for i in ids if i in states)
        )
        if self.deleted:
            row.outcomes["deleted"] = len(self.deleted)
        row.duplicates = self._duplicates(set(ids), once)
        if web_died:
            wait_for(lambda: not self._uploads(), what="uploads that were cut off are removed")
        row.orphans = self._orphans()
        row.load = os.getloadavg()[0] / (os.cpu_count() or 1)
        return row

    def row_count(self, where: str) -> int:
        """Return how many of the accepted requests are as an SQL condition says."""
        return self.cluster.query(
            f"SELECT count(*) FROM processing_processingrequest WHERE id = ANY(%s::uuid[])"
            f" AND {where}",
            self.accepted,
        )[0][0]

    def _unfinished(self) -> int:
        return self.cluster.query(
            "SELECT count(*) FROM processing_processingrequest"
            " WHERE status IN ('pending', 'processing')"
        )[0][0]

    def _duplicates(self, ids: set[str], once: bool) -> int:
        twice = self.cluster.query(
            "SELECT request_id FROM processing_processingattempt WHERE outcome = 'completed'"
            " GROUP BY request_id HAVING count(*) > 1"
        )
        duplicates = {str(row[0]) for row in twice}
        if once and self.cluster.journal.exists():
            runs = Counter(self.cluster.journal.read_text().split())
            duplicates |= {i for i in ids if runs[i] > 1}
        return len(duplicates & ids)

    def _uploads(self) -> int:
        """Uploads that are no requests: rows, and what killed processes left as they arrived."""
        rows = self.cluster.query(
            "SELECT count(*) FROM processing_processingupload WHERE held_by IS NULL"
        )[0][0]
        return rows + len(list(self.cluster.work.glob("upload-*")))

    def _orphans(self) -> int:
        report = subprocess.run(
            [sys.executable, "manage.py", "processing_check", "--min-age=0"],
            cwd=ROOT, env=self.cluster.environment, capture_output=True, text=True,
        ).stdout  # fmt: skip
        (summary,) = [line for line in report.splitlines() if " orphans found, " in line]
        orphans, missing = (int(part.split()[0]) for part in summary.split(", "))
        return orphans + missing


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| fault | accepted | ended | lost | stuck | duplicates | orphans | slowest | load |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        ended = ", ".join(f"{count} {what}" for what, count in sorted(row.outcomes.items()))
        lines.append(
            f"| {row.case} | {row.accepted} | {ended} | {row.lost} | {row.stuck} "
            f"| {row.duplicates} | {row.orphans} | {row.slowest:.1f} s | {row.load:.1f} |"
        )
    return "\n".join(lines)


def write_report(rows: list[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(table(rows) + "\n")
    path.with_suffix(".json").write_text(json.dumps([row.__dict__ for row in rows], indent=2))
