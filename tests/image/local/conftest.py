"""local.yml, up, for the tests of this folder."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.processes import free_port
from tests import compose
from tests.image.engine import engine, run
from tests.stack import Api
from tests.tree import copy_of_the_sources

ACCOUNT = ("admin@example.com", "only-on-this-machine")


class Local:
    """A copy of the sources, up."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        read = "".join(path.read_text() for path in compose.files("local.yml"))
        names = set(re.findall(r"\$\{(\w*PORT)\b", read)) | {"PORT"}
        self.ports = {name: free_port() for name in names}
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name in {"PATH", "HOME"} or name.startswith("DOCKER_")
        } | {name: str(port) for name, port in self.ports.items()}
        self.environment |= {"COMPOSE_PROJECT_NAME": "app-local-test"}

    def url(self, name: str = "PORT") -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def compose(self, *arguments: str, **options: Any) -> str:
        command = ["docker", "compose", "--file", "local.yml", *arguments]
        return run(*command, cwd=self.tree, env=self.environment, **options).stdout

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.tree / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def files(self) -> set[Path]:
        return set(self.tree.rglob("*"))


@pytest.fixture(scope="package")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    engine("maildev")
    made = Local(copy_of_the_sources(tmp_path_factory.mktemp("local") / "tree"))
    try:
        made.compose("up", "--detach", "--build", "--wait")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "5", check=False)


@pytest.fixture(scope="package")
def api(local: Local) -> Iterator[Api]:
    with Api(local.url()) as client:
        client.sign_in(*ACCOUNT)
        yield client
