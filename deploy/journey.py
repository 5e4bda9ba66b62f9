#!/usr/bin/env python3
"""Try an installation: sign in, submit each feature's sample, wait for it, read its result.

    PASSWORD=… deploy/journey.py http://127.0.0.1:5000 admin@example.org

A sample of an earlier run must still have its result; then it is deleted and submitted anew. Exit
code 0 when all of that worked, else 1 and a sentence. It needs Python alone.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any


class JourneyError(Exception):
    """The message says what did not work."""


class Api:
    """Calls the API as a script does; behind the proxy that it calls past, all is HTTPS."""

    def __init__(self, host: str) -> None:
        self.root = f"{host.rstrip('/')}/api/v1"
        self.headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Forwarded-Proto": "https",
        }

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return what is answered, as JSON. Raises JourneyError, also for any status of failure."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            self.root + path, data=data, headers=self.headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            raise JourneyError(f"{method} {path} was answered {error.code}: {said}") from error
        except OSError as error:
            raise JourneyError(f"{method} {path} was not answered: {error}") from error
        return json.loads(text) if text else None


def wait(api: Api, kind: str, identity: str, seconds: float) -> None:
    """Return when a request is completed. Raises JourneyError when it ends otherwise, or not."""
    deadline = time.monotonic() + seconds
    while (state := api.call("GET", f"{kind}status/{identity}/")["status"]) != "completed":
        if state in {"failed", "cancelled"}:
            raise JourneyError(f"{kind} {identity} is {state}")
        if time.monotonic() > deadline:
            raise JourneyError(f"{kind} {identity} is still {state} after {seconds:.0f} s")
        time.sleep(1)


def go(api: Api, email: str, password: str, seconds: float) -> None:
    """Make the journey. Raises JourneyError."""
    key = api.call("POST", "/auth/login/", {"email": email, "password": password})["key"]
    api.headers["Authorization"] = f"Token {key}"
    paths = api.call("GET", "/schema/")["paths"]
    kinds = [path.removesuffix("sample/") for path in paths if path.endswith("/sample/")]
    if not kinds:
        raise JourneyError("No feature has a sample to submit.")
    for kind in kinds:
        known = {each["id"] for each in api.call("GET", f"{kind}list/")["results"]}
        identity = api.call("POST", f"{kind}sample/")["id"]
        if identity in known:
            api.call("GET", f"{kind}results/{identity}/")
            print(f"{kind} has its result of an earlier run", flush=True)
            api.call("DELETE", f"{kind}delete/{identity}/")
            identity = api.call("POST", f"{kind}sample/")["id"]
        wait(api, kind, identity, seconds)
        api.call("GET", f"{kind}results/{identity}/")
        print(f"{kind} was completed and has its result", flush=True)
    api.call("POST", "/auth/logout/")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("host", help="such as http://127.0.0.1:5000")
    parser.add_argument("email")
    parser.add_argument("--seconds", type=float, default=120, help="that a sample may take")
    given = parser.parse_args()
    if "PASSWORD" not in os.environ:
        parser.error("set PASSWORD in the environment")
    try:
        go(Api(given.host), given.email, os.environ["PASSWORD"], given.seconds)
    except JourneyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
