"""A real S3 server for tests: `rclone serve s3` on loopback. It checks signatures."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scripts.processes import dies_with_parent, free_port
from tests.stack import ROOT, Stack, wait_for

NAME, KEY, SECRET = "files", "app", "only-for-tests/+= 0123456789"
LOCATION = "instance"


class Bucket:
    """The server and its one bucket. What it keeps survives a stop and a start."""

    url_variable = "AWS_S3_ENDPOINT_URL"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "data" / NAME).mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """How the product finds it; browsers reach it under another name, as they would."""
        return {
            "AWS_STORAGE_BUCKET_NAME": NAME,
            "AWS_S3_ENDPOINT_URL": self.url,
            "AWS_S3_PUBLIC_ENDPOINT_URL": f"http://localhost:{self.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_LOCATION": LOCATION,
        }

    @property
    def settings(self) -> dict[str, Any]:
        """The same, as one of Django's STORAGES, by the settings' own code."""
        code = (
            "import json; from backend_django.bucket.configure import storage;"
            "print(json.dumps(storage()))"
        )
        made = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | self.environment,
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        return json.loads(made.stdout)

    def start(self, *options: str) -> "Bucket":
        beside = Path(sys.executable).with_name("rclone")
        program = str(beside) if beside.exists() else shutil.which("rclone")
        assert program, "rclone is missing: it comes with requirements/s3/test.txt"
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "serve", "s3", "--addr", f"127.0.0.1:{self.port}",
                 f"--auth-key={KEY},{SECRET}", *options, str(self.directory / "data")],
                env=os.environ | {"RCLONE_CONFIG": str(self.directory / "none")},
                stdout=log, stderr=log, preexec_fn=dies_with_parent(),
            )  # fmt: skip
        wait_for(self._answers, what="the bucket answers")
        return self

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def unfinished(self, stack: Stack) -> list[dict[str, Any]]:
        """Uploads in chunks that a product with this bucket has neither ended nor given up."""
        code = (
            "import json; from backend_django.files.storage import remote as b;"
            f"found = b().client.list_multipart_uploads(Bucket='{NAME}').get('Uploads', []);"
            "print(json.dumps(found, default=str))"
        )
        found: list[dict[str, Any]] = json.loads(stack.manage("shell", "-v0", "-c", code))
        return found

    def files(self) -> list[str]:
        """Names of all objects, below the location."""
        root = self.directory / "data" / NAME / LOCATION
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@contextmanager
def a_bucket(directory: Path) -> Iterator[Bucket]:
    bucket = Bucket(directory).start()
    try:
        yield bucket
    finally:
        bucket.stop()
