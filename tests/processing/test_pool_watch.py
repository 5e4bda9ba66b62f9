"""A process of a worker's pool that hangs is ended, and no other."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from billiard import Process

from backend_django.processing import pool_watch
from tests.stack import wait_for

pytestmark = pytest.mark.slow


def live() -> None:
    pool_watch.show_life()
    time.sleep(600)


def test_process_of_the_pool_that_hangs_is_ended() -> None:
    pool: list[Any] = [Process(target=live) for _ in range(3)]
    try:
        for index, process in enumerate(pool):
            process.index = index
            process.start()
        late = pool[2].pid  # its place still has what a former process has written
        pool_watch._SIGN.pack_into(pool_watch._signs, pool_watch._place(pool[2]), late + 1, 1.0)
        wait_for(lambda: all(seen_of(process) == process.pid for process in pool))
        os.kill(pool[0].pid, signal.SIGSTOP)

        def is_ended() -> bool:
            pool_watch.end_hung(seconds=5)
            return not pool[0].is_alive()

        wait_for(is_ended, seconds=60)
        assert pool[0].exitcode == -signal.SIGKILL
        assert all(process.is_alive() for process in pool[1:])
    finally:
        for process in pool:
            if process.is_alive():
                os.kill(process.pid, signal.SIGKILL)
                process.join()


def seen_of(process: Process) -> int:
    return pool_watch._SIGN.unpack_from(pool_watch._signs, pool_watch._place(process))[0]


def test_what_the_job_of_a_killed_process_has_left_behind_is_ended() -> None:
    """A worker's main process: one of its pool lives, one was killed at work."""
    script = """if True:
        import os, signal, subprocess, time
        from backend_django.processing import descendants

        descendants.adopt_descendants()
        kept = subprocess.Popen(["sleep", "300"])
        if not (killed := os.fork()):
            descendants.adopt_descendants()
            subprocess.Popen(["sleep", "300"], start_new_session=True)
            subprocess.run(["sh", "-c", "trap '' TERM; (setsid sleep 300 &) &"])
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(killed, 0)
        orphans = descendants.end_orphans({kept.pid}, set())
        assert len(orphans) >= 2, orphans
        assert descendants.end_orphans({kept.pid, *orphans}, orphans) == set(), "just forked"
        while orphans:
            orphans = descendants.end_orphans({kept.pid}, orphans)
            time.sleep(0.01)
        assert kept.poll() is None
        kept.kill()
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
