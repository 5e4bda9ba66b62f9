"""The main job without a browser: sign in, submit a raster, watch it, fetch and check the COG.

    python -m backend_django.rasters.demo --base-url http://127.0.0.1:5000 [FILE]

Signs in with DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_PASSWORD from the environment. The last
line is the path of the COG. Ends with 1 and a sentence when something is not as it should be.
"""

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

SAMPLE = Path(__file__).parent / "samples" / "iceland.tif"
FINAL = {"completed", "failed", "cancelled"}


class DemoError(Exception):
    """The demo failed; the message is a sentence."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Submit a raster and fetch the COG.")
    parser.add_argument("file", nargs="?", type=Path, default=SAMPLE, metavar="FILE")
    parser.add_argument("--base-url", default="http://127.0.0.1:5000")
    parser.add_argument("--profile", default="deflate")
    parser.add_argument("--output", type=Path, default=Path(".data/demo"), metavar="FOLDER")
    parser.add_argument("--timeout", type=float, default=3600, metavar="SECONDS")
    options = parser.parse_args()
    try:
        with httpx.Client(
            base_url=f"{options.base_url.rstrip('/')}/api/v1/", timeout=60, trust_env=False
        ) as client:
            path = run(client, options)
    except httpx.TransportError as error:
        print(f"There is no answer from {options.base_url} ({error}). Start it with `make run`.")
        return 1
    except (DemoError, OSError) as error:
        print(error)
        return 1
    print(path)
    return 0


def run(client: httpx.Client, options: argparse.Namespace) -> Path:
    """Do it all; return the path of the COG."""
    if not options.file.is_file():
        raise DemoError(f"There is no file {options.file}.")
    sign_in(client)
    with options.file.open("rb") as content:
        request = answer(
            client.post(
                "rasters/create/",
                files={"file": (options.file.name, content)},
                data={"profile": options.profile},
                timeout=options.timeout,
            )
        )
    print(f"{options.file} submitted as {request['id']}")
    request = watch(client, request["id"], options.timeout)
    if request["status"] != "completed":
        raise DemoError(
            f"The request {request['status']}: {request['error_message']} ({request['error_code']})"
        )
    result = answer(client.get(f"rasters/results/{request['id']}/"))
    bands = len(result["bands"])
    print(
        f"{result['width']} × {result['height']} pixels, {bands} × {result['dtype']}, "
        f"{result['crs']['name']}: {result['input_size']:,} -> {result['output_size']:,} bytes"
    )
    options.output.mkdir(parents=True, exist_ok=True)
    path: Path = options.output / f"{options.file.stem}.cog.tif"
    download(client, result, path)
    validate(path)
    return path


def sign_in(client: httpx.Client) -> None:
    try:
        account = {
            "email": os.environ["DJANGO_SUPERUSER_EMAIL"],
            "password": os.environ["DJANGO_SUPERUSER_PASSWORD"],
        }
    except KeyError as error:
        raise DemoError(f"{error.args[0]} is not set; `make run` writes it to .env.") from None
    key = answer(client.post("auth/login/", json=account))["key"]
    client.cookies.clear()  # as a script: by token, without CSRF
    client.headers["Authorization"] = f"Token {key}"


def watch(client: httpx.Client, request_id: str, timeout: float) -> dict[str, Any]:
    """Print each change until the request is over; return its last state."""
    began, seen = time.monotonic(), ""
    while True:
        request = answer(client.get(f"rasters/status/{request_id}/"))
        where = " / ".join(filter(None, (request["status"], request["phase"], request["step"])))
        line = f"{where} {request['progress']} %"
        if line != seen:
            print(f"{time.monotonic() - began:7.2f} s  {line}", flush=True)
            seen = line
        if request["status"] in FINAL:
            return request
        if time.monotonic() - began > timeout:
            raise DemoError(f"It is not done after {timeout:.0f} s; is a worker running?")
        time.sleep(0.1)


def download(client: httpx.Client, result: dict[str, Any], path: Path) -> None:
    digest = hashlib.sha256()
    with (
        client.stream("GET", f"rasters/download-cog/{result['id']}/") as response,
        path.open("wb") as file,
    ):
        if response.status_code != 200:
            response.read()
            answer(response)
        for chunk in response.iter_bytes(1024 * 1024):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != result["sha256"]:
        raise DemoError("The download is not what was stored: its SHA-256 differs.")


def validate(path: Path) -> None:
    from rio_cogeo.cogeo import cog_validate

    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    if not valid:
        raise DemoError(f"{path} is no valid COG: {'; '.join([*errors, *warnings])}")
    print("valid Cloud-Optimized GeoTIFF (rio-cogeo, strict)")


def answer(response: httpx.Response) -> Any:
    """Return the JSON of a success; raise the sentence of a problem."""
    if response.is_success:
        return response.json()
    try:
        sentence = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        sentence = response.reason_phrase
    raise DemoError(f"{response.request.url} answered {response.status_code}: {sentence}")


if __name__ == "__main__":
    sys.exit(main())
