"""What is installed is what was looked at."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.stack import ROOT

pytestmark = pytest.mark.slow


def test_everything_locked_has_a_hash() -> None:
    locks = list((ROOT / "requirements").glob("*.txt"))
    assert len(locks) >= 5
    for lock in locks:
        entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock.read_text(), flags=re.M))
        bare = [e.split()[0] for e in entries if e.strip() and "--hash=sha256:" not in e]
        assert bare == [], lock.name
    packages = json.loads((ROOT / "frontend_vue" / "package-lock.json").read_text())["packages"]
    bare = [name for name, p in packages.items() if name and not p.get("integrity")]
    assert bare == []


PINS = re.compile(r"^([\w.-]+)==(\S+)", re.M)


def test_tests_have_the_very_packages_that_run() -> None:
    folder = ROOT / "requirements"
    for lock in (folder / "local.txt", *folder.glob("*/local.txt")):
        locks = filter(Path.exists, {folder / "test.txt", lock.with_name("test.txt")})
        tested = {pin for each in locks for pin in PINS.findall(each.read_text())}
        names = {name for name, _ in tested}
        pins = {pin for pin in PINS.findall(lock.read_text()) if pin[0] in names}
        assert pins <= tested, lock


def test_what_runs_imports_nothing_that_only_tests_have() -> None:
    """`make run` installs neither requirements/test.txt nor the page's devDependencies."""
    folder = ROOT / "requirements"
    locks = [folder / "local.txt", *folder.glob("*/local.txt")]
    there = {name for lock in locks for name, _ in PINS.findall(lock.read_text())}
    only_tests = {
        module
        for module, packages in packages_distributions().items()
        if not there & {re.sub(r"[-_.]+", "-", package).lower() for package in packages}
    }
    sources = [path for path in ROOT.glob("backend_*/**/*.py") if "tests" not in path.parts]
    sources += [path for path in ROOT.glob("scripts/**/*.py") if path.stem != "messages"]
    assert len(sources) > 100
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(node.module or "")
            wrong = {name.partition(".")[0] for name in names} & only_tests
            assert not wrong, f"{path} imports {wrong}: name it in requirements/base.in or local.in"

    page = ROOT / "frontend_vue"
    packages = json.loads((page / "package.json").read_text())["dependencies"]
    sources = [*page.glob("src/**/*.ts"), *page.glob("src/**/*.vue"), page / "vite.config.ts"]
    imported = re.compile(r"^import (?!type )[^'\"]*['\"]((?:@[\w-]+/)?[\w-]+)", re.M)
    for path in sources:
        if not re.search(r"(\.test|/testing|\.d)\.ts$", str(path)):
            wrong = set(imported.findall(path.read_text())) - {*packages, "node"}
            assert not wrong, f"{path} imports {wrong}: name it under dependencies in package.json"


def test_rules_of_security_are_on() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in rules["select"]
    off = {
        rule
        for place, ignored in rules["per-file-ignores"].items()
        for rule in ignored
        if rule.startswith("S") and not place.startswith(("tests", "**/tests", "scripts", "bench"))
    }
    assert off == set(), "the product's own code keeps all of them"
    ignored = {rule for rule in rules["ignore"] if rule.startswith("S")}
    assert ignored == {"S603", "S607"}, "commands as lists of own words are no shell"


def test_images_of_others_are_named_in_one_place() -> None:
    lists = set((ROOT / "docker").glob("**/images/compose.yml"))
    listed = {name for file in lists for name in re.findall(r'image: "([^"]+)"', file.read_text())}
    used: set[str] = set()
    for file in set((ROOT / "docker").glob("*/*.yml")) - lists:
        used |= set(re.findall(r"^ +image: ([\w./:-]+)$", file.read_text(), re.M))
    for file in (ROOT / "docker").rglob("Dockerfile"):
        used |= set(re.findall(r"^FROM (\S+)", file.read_text(), re.M))
    assert used == listed


@pytest.mark.slow
def test_the_image_lists_the_libraries_in_its_wheels() -> None:
    script = ROOT / "docker" / "production" / "django" / "sbom"
    command = [sys.executable, str(script), sys.prefix]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    versions = {each["name"]: each["version"] for each in json.loads(done.stdout)["components"]}
    assert versions["django"].startswith("5.2")
    assert versions["libcrypto"]
    for listed in ROOT.glob("requirements/*/sbom.json"):
        assert all(versions[name] for name in json.loads(listed.read_text()))
