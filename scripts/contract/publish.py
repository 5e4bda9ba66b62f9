"""`make publish-schema TO=folder`: the API's contract, for repositories that use the API.

The OpenAPI document of this version, an npm package with its types and a client, and `latest.json`,
which names both with their hashes. What was published under a version is never replaced by
something else. A module may take other addresses than folders: `contract.py` in its own folder.
"""

import argparse
import hashlib
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Protocol

from backend_django.utils.project import read_project
from scripts.environment import FRONTEND, ROOT, UsageError
from scripts.node import node_environment
from scripts.schema import DOCUMENT, TYPES

CLIENT = FRONTEND / "client"
LATEST = "latest.json"


def make(folder: Path) -> None:
    """Write what is published into an empty folder."""
    project = read_project()
    document = f"openapi-{project.version}.json"
    shutil.copyfile(DOCUMENT, folder / document)
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch)
        shutil.copytree(CLIENT, package, dirs_exist_ok=True)
        shutil.copyfile(TYPES, package / "schema.d.ts")
        shutil.copyfile(DOCUMENT, package / "openapi.json")
        page = json.loads((FRONTEND / "package.json").read_text())
        fetch = "openapi-fetch"
        about = {
            "name": f"{project.slug}-api",
            "version": project.version,
            "description": f"Types and client of the API of {project.name}",
            "author": project.author,
            "license": "SEE LICENSE IN LICENSE",
            "type": "module",
            "exports": {
                ".": {"types": "./index.d.ts", "default": "./index.js"},
                "./openapi.json": "./openapi.json",
            },
            "dependencies": {fetch: page["dependencies"][fetch]},
        }
        (package / "package.json").write_text(json.dumps(about, indent=2))
        shutil.copyfile(ROOT / "LICENSE", package / "LICENSE")
        command = ["npm", "pack", "--silent", f"--pack-destination={folder}"]
        done = subprocess.run(
            command, cwd=package, env=node_environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise UsageError(f"npm could not pack the client: {done.stderr.strip()}")
    latest = {
        "version": project.version,
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.iterdir())
        },
    }
    (folder / LATEST).write_text(json.dumps(latest, indent=2) + "\n")


class Place(Protocol):
    """A destination for published files."""

    def read(self, name: str) -> bytes | None:
        """Return what is there; None when nothing is."""

    def write(self, name: str, content: bytes) -> None: ...


class Folder:
    """A folder of this machine, made when it is missing."""

    def __init__(self, address: str) -> None:
        self.path = Path(address)
        self.path.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> bytes | None:
        file = self.path / name
        return file.read_bytes() if file.exists() else None

    def write(self, name: str, content: bytes) -> None:
        (self.path / name).write_bytes(content)


def place(address: str) -> Place:
    """Return what an address names. Raises UsageError when no module takes such addresses."""
    scheme, separator, _ = address.partition("://")
    if not separator:
        return Folder(address)
    for path in sorted(ROOT.glob("backend_django/*/contract.py")):
        module: Any = importlib.import_module(f"backend_django.{path.parent.name}.contract")
        if scheme == module.SCHEME:
            found: Place = module.Place(address)
            return found
    raise UsageError(f"Nothing here can publish to {scheme}://. Name a folder: TO=contract")


def publish(address: str) -> list[str]:
    """Make everything and put it there; return the names of what is new there.

    Raises:
        UsageError: this version was published with another content.
    """
    there = place(address)
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch))
        files = {path.name: path.read_bytes() for path in sorted(Path(scratch).iterdir())}
    before = {name: there.read(name) for name in files}
    changed = [
        name for name, was in before.items() if was not in {None, files[name]} and name != LATEST
    ]
    if changed:
        raise UsageError(
            f"{changed[0]} was published with another content. Raise the version: make release"
        )
    new = [name for name, was in before.items() if was != files[name]]
    for name in sorted(new, key=lambda name: name == LATEST):  # which names what is there already
        there.write(name, files[name])
    return new


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make publish-schema", description=__doc__)
    parser.add_argument("--to", default="")
    address = parser.parse_args(arguments).to
    try:
        if not address:
            raise UsageError("Say where to: make publish-schema TO=contract")
        new = publish(address)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{', '.join(new) or 'nothing new'} → {address}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
