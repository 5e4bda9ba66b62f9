"""The visit of journey.js for Locust, with a page to watch it: docs/scaling.md has the command."""

import os
import time
from itertools import cycle
from pathlib import Path

from locust import HttpUser, between, events, task

TOKENS = cycle(os.environ["TOKEN"].split(","))
KIND = os.environ["KIND"]
FILE = Path(os.environ["FILE"])


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
