"""What is in the image, and what is not."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.image.engine import IMAGE, docker, image
from tests.stack import ROOT
from tests.tree import copy_of_the_sources

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]
MEGABYTES = 422  # of which the base is 131; decision 9 says what the rest is


@pytest.fixture(scope="module", autouse=True)
def built() -> str:
    return image()


def config() -> dict[str, object]:
    found: dict[str, object] = json.loads(docker("image", "inspect", IMAGE))[0]["Config"]
    return found


def inside(*command: str) -> str:
    return docker("run", "--rm", "--user=0", "--entrypoint", command[0], IMAGE, *command[1:])


def test_size() -> None:
    size = int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE))
    assert size < MEGABYTES * 1e6, f"{size / 1e6:.0f} MB"


def test_user_has_a_number_and_owns_nothing_but_data() -> None:
    assert config()["User"] == "10001:10001"
    owned = inside(
        "find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-user", "10001", "-print"
    )
    assert owned.split() == ["/data"]


def test_no_tools_of_a_build_and_no_sources_of_the_page() -> None:
    search = "for t in gcc cc g++ make strip node npm git; do command -v $t; done; true"
    assert inside("sh", "-c", search) == ""
    listed = inside("find", "/app", "-not", "-path", "*/__pycache__/*").splitlines()
    parts = {part for path in listed for part in path.split("/")}
    assert not parts & {".env", ".git", "tests", "node_modules", "src", "media", "docker"}
    assert inside("find", "/opt/venv", "-name", "pip", "-o", "-name", "tests") == ""


def test_bytecode_is_there_for_every_module() -> None:
    count = "find {0} -name '*.py' -path '*backend_django*' | wc -l; find {0} -name '*.pyc' | wc -l"
    sources, compiled = map(int, inside("sh", "-c", count.format("/app")).split())
    assert compiled >= sources > 50


def test_history_and_environment_have_no_secret() -> None:
    names = {line.split("=")[0] for line in config()["Env"]}  # type: ignore[attr-defined]
    assert not {name for name in names if "SECRET" in name or "PASSWORD" in name}
    assert "token_urlsafe" not in docker("history", "--no-trunc", IMAGE)


def test_labels_and_version_say_what_it_is() -> None:
    labels = config()["Labels"]
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert labels["org.opencontainers.image.revision"] == head  # type: ignore[index]
    with (ROOT / "project.toml").open("rb") as file:
        version = tomllib.load(file)["version"]
    assert version in inside("cat", "/app/project.toml")


def test_without_settings_it_says_what_to_set() -> None:
    done = subprocess.run(["docker", "run", "--rm", IMAGE], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("entrypoint: Set DATABASE_URL, or POSTGRES_HOST")


def test_it_lists_what_it_consists_of() -> None:
    listed = json.loads(inside("cat", "/app/sbom.cdx.json"))
    assert {"django", "libcrypto"} <= {each["name"] for each in listed["components"]}


def test_a_clone_that_others_may_not_read_builds_the_same(tmp_path: Path) -> None:
    tree = copy_of_the_sources(tmp_path / "tree")
    for path in [tree, *tree.rglob("*")]:
        path.chmod(path.stat().st_mode & 0o700)
    file = "docker/production/django/Dockerfile"
    docker("build", "--file", str(tree / file), "--tag", "app:umask-test", str(tree))
    try:
        unreadable = ["find", "/app", "/entrypoint", "/start", "(", "!", "-perm", "-o=r", ")"]
        run_it = ["run", "--rm", "--entrypoint", ""]
        assert docker(*run_it, "app:umask-test", *unreadable) == ""
        docker(*run_it, "app:umask-test", "python", "-c", "import backend_django.server.limits")
    finally:
        docker("image", "rm", "app:umask-test", check=False)
