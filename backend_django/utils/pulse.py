"""A file that is touched while this process runs, for whoever ends processes that hang.

Nothing is written where PULSE_FILE names none. `docker/production/django/watch` looks at it in a
container, `scripts/supervisor.py` on a developer's machine.
"""

import os
import threading
import time
from pathlib import Path

SECONDS = 1.0


def beat_pulse() -> None:
    """Touch the file once."""
    if path := os.environ.get("PULSE_FILE"):
        Path(path).touch()


def start_pulse() -> None:
    """Touch the file every second from a thread: it stops with the process, or with its GIL.

    It says nothing about the main thread, which may wait for a broker that is away.
    """

    def beat() -> None:
        while True:
            beat_pulse()
            time.sleep(SECONDS)

    if os.environ.get("PULSE_FILE"):
        threading.Thread(target=beat, name="pulse", daemon=True).start()
