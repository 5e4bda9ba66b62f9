"""The OpenAPI document and the page's types: write them, or say whether they are up to date."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.environment import FRONTEND, ROOT
from scripts.node import node_environment

DOCUMENT = FRONTEND / "openapi.json"
TYPES = FRONTEND / "src" / "api" / "schema.d.ts"


def write(document: Path, types: Path) -> int:
    """Generate both files. Returns the exit code of the generator that failed, else 0."""
    settings = {"DJANGO_SETTINGS_MODULE": "backend_django.config.settings.test"}
    spectacular = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json"]
    strict = ["--file", str(document), "--validate", "--fail-on-warn"]
    code = subprocess.run(
        [*spectacular, *strict], cwd=ROOT, env={**os.environ, **settings}
    ).returncode
    if code:
        return code
    command = ["node_modules/.bin/openapi-typescript", str(document), "-o", str(types)]
    environment = node_environment()
    done = subprocess.run(command, cwd=FRONTEND, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode


def check() -> int:
    """0 if the committed files are what would be written now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, "openapi.json"), Path(folder, "schema.d.ts")
        if code := write(*fresh):
            return code
        stale = [
            committed
            for committed, made in zip((DOCUMENT, TYPES), fresh, strict=True)
            if not committed.exists() or committed.read_text() != made.read_text()
        ]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not what the code says: run `make schema`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv[1:] else write(DOCUMENT, TYPES))
