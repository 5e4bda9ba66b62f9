"""Children that are forked from a process which has imported what they need."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from backend_django.processing import child, descendants, fork_client, fork_server
from backend_django.processing.errors import ProcessingError
from tests.stack import ROOT, wait_for

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere children are new"),
    pytest.mark.slow,
]
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run a target in a child; servers begin and end with the test."""

    def run(
        target: str, report: Any = lambda *_: None, check: Any = lambda: None,
        env: dict[str, str] | None = None, timeout: float = 30, **arguments: Any,
    ) -> Any:  # fmt: skip
        if ":" not in target:
            target = f"tests.wordcount.forked:{target}"
        return child.run_in_child(
            target, arguments, report=report, check=check,
            memory_bytes=2**30, timeout=timeout, env=env or {}, scratch=tmp_path,
        )  # fmt: skip

    fork_client.close_servers()
    yield run
    fork_client.close_servers()
    fork_client._with_threads.clear()


def the_server() -> Any:
    (server,) = fork_client._servers.values()
    return server


def is_there(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_child_finds_what_a_new_process_finds(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run("look")  # so that a server is there, which began with other things than the next job
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o027)
    try:
        forked = run("look")
        assert len(fork_client._servers) == 1
        monkeypatch.setattr(child, "fork_child", lambda *_: None)
        new = run("look")
    finally:
        os.umask(before)
    assert forked == new
    assert forked["parent"] == os.getpid()
    assert (forked["umask"], forked["directory"]) == (0o027, str(tmp_path))
    assert forked["temporary"] == str(tmp_path)
    assert set(forked["descriptors"]) == {"pipe"}


def test_nothing_of_one_job_is_there_for_the_next(run: Run) -> None:
    first, second = run("leave"), run("leave")
    assert first["imported"] == second["imported"], "the second was not forked from the same"
    assert first["preloaded"] == ["yes"]
    assert first["pid"] != second["pid"]
    assert second["before"] == []
    assert "LEFT_BEHIND" not in run("look")["environment"]


def test_random_numbers_are_others_each_time(run: Run) -> None:
    env = {"AT_IMPORT": "numpy", "OPENBLAS_NUM_THREADS": "1"}
    drawn = [run("draw", env=env) for _ in range(3)]
    assert len(fork_client._servers) == 1
    for numbers in zip(*drawn, strict=True):
        assert len(set(numbers)) == 3
    assert len(drawn[0]) == (2 if find_spec("numpy") else 1)


def test_server_that_has_died_is_replaced(run: Run) -> None:
    first = run("leave")["imported"]
    the_server().process.kill()
    the_server().process.wait()
    assert run("leave")["imported"] != first
    os.kill(the_server().process.pid, signal.SIGSTOP)  # one that hangs costs this job its time
    with pytest.raises(ProcessingError) as late:
        run("leave", timeout=0.5)
    assert late.value.code == "time_limit"
    assert run("leave")


def test_job_is_done_without_a_server_that_hangs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("leave")
    os.kill(the_server().process.pid, signal.SIGSTOP)
    monkeypatch.setattr(fork_client, "START_SECONDS", 0.3)
    assert run("leave")["preloaded"] == []  # in a new process
    assert not fork_client._servers


def test_answer_counts_although_what_was_started_lives_on(run: Run) -> None:
    left = run("go_on")
    assert is_there(left)
    os.kill(left, signal.SIGKILL)


def test_server_does_not_live_for_ever(run: Run) -> None:
    imported = {run("leave")["imported"] for _ in range(fork_server.MAX_FORKS + 2)}
    assert len(imported) in (2, 3)  # with one new process where a server ended while it was asked


def test_job_goes_on_without_its_server(run: Run, tmp_path: Path) -> None:
    def report(step: str | None, fraction: float) -> None:
        the_server().process.kill()
        the_server().process.wait()
        (tmp_path / "go on").touch()

    assert run("wait", report, until=str(tmp_path / "go on")) == "done"


def test_what_a_job_has_started_ends_when_it_is_cancelled(run: Run, tmp_path: Path) -> None:
    started: list[int] = []

    def check() -> None:
        if started:
            raise KeyboardInterrupt

    def report(step: str | None, fraction: float) -> None:
        started.extend(map(int, (step or "").split()))

    with pytest.raises(KeyboardInterrupt):
        run("wait", report, check, until=str(tmp_path / "never"))
    assert len(started) == 2
    wait_for(lambda: not any(map(is_there, started)), what="both have ended")
    assert the_server().is_alive()


def test_import_that_hangs_is_cancelled_and_limited(run: Run) -> None:
    looks = iter(range(5))

    def check() -> None:
        if next(looks, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("leave", check=check, env={"AT_IMPORT": "hang"})
    with pytest.raises(ProcessingError):
        run("leave", env={"AT_IMPORT": "hang"}, timeout=0.3)
    assert not fork_client._servers
    assert not descendants.spared


def test_module_with_threads_is_not_copied(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    env = {"AT_IMPORT": "thread"}
    first, second = run("leave", env=env), run("leave", env=env)
    assert first["imported"] != second["imported"]
    assert first["preloaded"] == []  # a new process imports what it needs
    assert not fork_client._servers
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_fault_of_an_import_is_told_to_each_job(run: Run) -> None:
    for _ in range(2):
        with pytest.raises(child.ChildError, match="ModuleNotFoundError"):
            run("tests.wordcount.missing:run")


def test_time_of_a_job_is_counted_as_that_of_a_child(run: Run) -> None:
    run("leave")

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    run("work", seconds=0.4)
    assert used() - before >= 0.39


def test_few_servers_are_kept(run: Run) -> None:
    pids = []
    for number in range(4):
        run("leave", env={"NUMBER": str(number)})
        pids.append(list(fork_client._servers.values())[-1].process.pid)
    assert [is_there(pid) for pid in pids] == [False, False, True, True]
    assert descendants.spared == set(pids[2:])


def test_worker_that_is_killed_leaves_neither_server_nor_job(tmp_path: Path) -> None:
    script = (
        "import os\n"
        "from backend_django.processing import child, fork_client as f\n"
        "def report(step, fraction):\n"
        "    print(*[s.process.pid for s in f._servers.values()], step, flush=True)\n"
        "child.run_in_child('tests.wordcount.forked:wait', {'until': '/never'}, report=report,"
        " check=lambda: None, memory_bytes=2**30, timeout=60, env={})\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert worker.stdout
    with worker.stdout:
        server, job, grandchild = map(int, worker.stdout.readline().split())
    assert is_there(server)
    assert is_there(job)
    worker.kill()
    worker.wait()
    wait_for(lambda: not is_there(server) and not is_there(job), what="both have ended")
    os.kill(grandchild, signal.SIGKILL)  # the kernel does not end it; a worker's container does


def test_what_jobs_leave_behind_is_ended_and_their_server_kept() -> None:
    script = (
        "import subprocess, time\n"
        "from backend_django.processing import child, descendants as d, fork_client as f\n"
        "d.adopt_descendants()\n"
        "def run():\n"
        "    return child.run_in_child('tests.wordcount.forked:leave', {}, check=lambda: None,"
        " report=print, memory_bytes=2**30, timeout=60, env={})['imported']\n"
        "first = run()\n"
        "left = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "d.end_descendants()\n"
        "assert left.wait(10) is not None\n"
        "d.end_descendants()\n"
        "assert run() == first\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_copy_of_a_worker_does_not_use_its_server(run: Run) -> None:
    run("leave")
    copy = os.fork()
    if not copy:
        os._exit(0 if not the_server().is_alive() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 0
    assert the_server().is_alive()
