"""The visit of journey.js for Locust, with a page to watch it: docs/scaling.md has the command."""

# Its packages are installed where it runs, not here.
# mypy: disable-error-code="import-not-found"

import os
import time
from itertools import cycle
from pathlib import Path

from locust import HttpUser, LoadTestShape, between, events, task

TOKENS = cycle(os.environ["TOKEN"].split(","))
KIND = os.environ["KIND"]
FILE = Path(os.environ["FILE"])
# As load.js and spike.js have them: within so many seconds, in a straight line to so many people.
PROFILES = {
    "day": [(180, 60), (240, 200), (180, 80), (360, 150), (240, 0)],
    "spike": [(60, 5), (10, 300), (120, 300), (10, 5), (180, 5)],
}


class Person(HttpUser):
    """Looks at the list, sends a file, waits until its request has ended."""

    wait_time = between(0, 4)

    def on_start(self) -> None:
        self.client.headers["Authorization"] = f"Token {next(TOKENS)}"

    @task
    def visit(self) -> None:
        api = f"/api/v1/{KIND}"
        self.client.get(f"{api}/list/", name="list")
        began = time.monotonic()
        file = {"file": (FILE.name, FILE.read_bytes())}
        made = self.client.post(f"{api}/create/", files=file, name="create")
        if made.status_code != 201:
            return
        address, state = f"{api}/status/{made.json()['id']}/", "pending"
        while state in {"pending", "processing"}:
            time.sleep(1)
            state = self.client.get(address, name="status").json().get("status")
        error = None if state == "completed" else RuntimeError(f"ended {state}")
        events.request.fire(
            request_type="JOB",
            name="request",
            response_time=(time.monotonic() - began) * 1000,
            response_length=0,
            exception=error,
        )


if os.environ.get("PROFILE"):  # else as many people as --users says

    class Profile(LoadTestShape):
        """The people of a profile, or a share of them in that share of the time (SHARE=0.1)."""

        share = float(os.environ.get("SHARE", "1"))
        stages = PROFILES[os.environ["PROFILE"]]

        def tick(self) -> tuple[int, float] | None:
            elapsed, before = self.get_run_time() / self.share, 0.0
            for seconds, people in self.stages:
                if elapsed < seconds:
                    now = before + (people - before) * elapsed / seconds
                    return round(now * self.share), 100
                elapsed, before = elapsed - seconds, people
            return None
