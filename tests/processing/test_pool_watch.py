"""A process of a worker's pool that hangs is ended, and no other."""

import os
import signal
import time

from billiard import Process

from backend_django.processing import pool_watch
from tests.stack import wait_for


def live() -> None:
    pool_watch.show_life()
    time.sleep(600)


def test_process_of_the_pool_that_hangs_is_ended() -> None:
    pool = [Process(target=live) for _ in range(3)]
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
