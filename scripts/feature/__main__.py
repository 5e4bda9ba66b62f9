"""`make feature NAME=todos KIND=crud FIELDS="title:string done:bool owner:user"`: a vertical slice.

Writes backend_django/<name>/ and frontend_vue/src/features/<name>/, with migration, API, admin,
pages and tests, and renews the OpenAPI document and the page's types. A job says what it works on:
`make feature NAME=albums KIND=job INPUTS="files:image/*"`. How: docs/features.md.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.environment import FRONTEND, ROOT
from scripts.feature.inputs import HOW, read_inputs
from scripts.feature.spec import Spec, SpecError, read_spec
from scripts.feature.write import folders, write
from scripts.node import node_environment
from scripts.schema import DOCUMENT, TYPES


def start(command: list[str], cwd: Path = ROOT, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=node_environment({**os.environ, **environment}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(spec: Spec) -> None:
    """Format what was written, and make what is made from it.

    Raises:
        subprocess.CalledProcessError: with what the command said.
    """
    backend, page = folders(spec)
    ruff, tools = [sys.executable, "-m", "ruff"], FRONTEND / "node_modules" / ".bin"
    migrate = [sys.executable, "-m", "scripts.feature.migrate", spec.name if spec.models else ""]
    # The slowest to start begins first, and waits for the document that Django writes meanwhile.
    with (
        start([str(tools / "openapi-typescript"), "-o", str(TYPES)], FRONTEND) as types,
        start(
            [str(tools / "prettier"), "--log-level=warn", "--write", str(page)], FRONTEND
        ) as prettier,
    ):
        expect_success(
            start([*ruff, "check", "-q", "--select=I,F401,RUF022", "--fix", str(backend)])
        )
        expect_success(start([*ruff, "format", "-q", str(backend)]))
        expect_success(start(migrate, DATABASE_URL="postgres://nobody@127.0.0.1:1/none"))
        expect_success(types, DOCUMENT.read_text("utf-8"))
        expect_success(prettier)


def expect_success(process: subprocess.Popen[str], given: str = "") -> None:
    said, _ = process.communicate(given)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, said)


def make(spec: Spec, service: str) -> None:
    """Write the feature; leave nothing of it when a step fails."""
    before = {path: path.read_bytes() for path in (DOCUMENT, TYPES)}
    try:
        write(spec, service)
        finish(spec)
    except BaseException:
        for folder in folders(spec):
            shutil.rmtree(folder, ignore_errors=True)
        for path, content in before.items():
            path.write_bytes(content)
        raise


def ask_inputs() -> str:
    """Ask at a terminal what the job works on, until it can be; an empty answer is one file."""
    print(f"What does the job work on?\n{HOW}")
    while True:
        answer = input("INPUTS [file]: ").strip()
        try:
            read_inputs(answer)
        except SpecError as error:
            print(error)
        else:
            return answer


def main() -> int:
    parser = argparse.ArgumentParser(prog="make feature", description=__doc__)
    for name in ("name", "kind", "fields", "service", "inputs"):
        parser.add_argument(f"--{name}", default="")
    options = parser.parse_args()
    try:
        spec = read_spec(options.name, options.kind, options.fields, options.inputs)
        url = re.fullmatch(r"https?://[^\s\"\\]+", options.service)
        if options.service and not (spec.kind == "job" and url):
            raise SpecError("SERVICE is the address of what a job calls: SERVICE=https://…")
        if options.service and spec.inputs.key and not spec.inputs.is_usual:
            raise SpecError(
                "With SERVICE a job begins with INPUTS=file or INPUTS=none: declare others in its "
                "processor.py."
            )
        if spec.kind == "job" and not (options.inputs or options.service) and sys.stdin.isatty():
            spec = read_spec(options.name, options.kind, options.fields, ask_inputs())
    except SpecError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        make(spec, options.service)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"{error.output}\n{error}\nNothing was changed.", file=sys.stderr)
        return 1
    for folder in folders(spec):
        print(f"wrote {folder.relative_to(ROOT)}")
    print("`make dev` shows it; `make test` checks it. What to change first: docs/features.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
