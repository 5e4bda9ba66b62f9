"""Write the OpenAPI document and the page's types; tests/api/test_contract.py compares them."""

import os
import shutil
import subprocess
import sys

from backend_django.utils.project import read_project
from scripts.environment import FRONTEND, ROOT
from scripts.node import node_environment

DOCUMENT = FRONTEND / "openapi.json"
TYPES = FRONTEND / "src" / "api" / "schema.d.ts"


def publish() -> None:
    """Keep the first document of each version: tests/api/test_breaking.py compares with it."""
    released = ROOT / "docs" / "api" / f"openapi-{read_project().version}.json"
    if not released.exists():
        released.parent.mkdir(exist_ok=True)
        shutil.copyfile(DOCUMENT, released)
        print(f"published {released.relative_to(ROOT)}")


def main() -> int:
    """Generate both files. Returns the exit code of the generator that failed, else 0."""
    settings = {"DJANGO_SETTINGS_MODULE": "backend_django.config.settings.test", "TEST_APPS": ""}
    spectacular = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json"]
    strict = ["--file", str(DOCUMENT), "--validate", "--fail-on-warn"]
    code = subprocess.run(
        [*spectacular, *strict], cwd=ROOT, env={**os.environ, **settings}
    ).returncode
    if code:
        return code
    publish()
    command = ["node_modules/.bin/openapi-typescript", str(DOCUMENT), "-o", str(TYPES)]
    environment = node_environment()
    done = subprocess.run(command, cwd=FRONTEND, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
