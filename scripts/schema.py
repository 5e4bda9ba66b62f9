"""Write the OpenAPI document and the page's types; tests/api/test_contract.py compares them."""

import os
import subprocess
import sys
from importlib import import_module

from scripts.environment import FRONTEND, ROOT
from scripts.node import node_environment

DOCUMENT = FRONTEND / "openapi.json"
TYPES = FRONTEND / "src" / "api" / "schema.d.ts"


def keep_released() -> None:
    """Let each module that has a `released.py` keep what it needs of this version's document."""
    for path in sorted(ROOT.glob("scripts/*/released.py")):
        import_module(f"scripts.{path.parent.name}.released").keep()


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
    keep_released()
    command = ["node_modules/.bin/openapi-typescript", str(DOCUMENT), "-o", str(TYPES)]
    environment = node_environment()
    done = subprocess.run(command, cwd=FRONTEND, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
