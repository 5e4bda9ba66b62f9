"""Set up what the checkout needs and does not have yet: packages, Node, the built page, .env.

Each step is stamped with a hash of what it was made from, so an up-to-date one costs nothing and
an interrupted one is done again. Standard library only: this runs before anything is installed.
"""

import argparse
import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from scripts import node, uv
from scripts.environment import (
    CACHE,
    FRONTEND,
    ROOT,
    UNREAD_SECRETS,
    VENV,
    UsageError,
    create_dotenv,
)
from scripts.progress import DownloadError, explain, progress, run
from scripts.runner import Runner, Stack

PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
NODE_REQUIREMENTS = ROOT / "requirements" / "node.txt"
FREE_BYTES = 2 << 30  # what a first set-up writes, the caches of uv and npm included
UNFINISHED = "unfinished"
DOCUMENT = FRONTEND / "openapi.json"


def digest(paths: list[Path], *more: str) -> str:
    """Hash of files and of the words that decide what is made from them."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        total.update(f"\0{path.relative_to(ROOT)}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def python_requirements(level: str) -> list[Path]:
    """Return the locks of the core and of each feature; `test` has all that `local` has, and more.

    A feature whose tests need nothing more has a lock for `local` alone.
    """
    locks = {path.parent: path for path in REQUIREMENTS.glob("*/local.txt")}
    if level == "test":
        locks |= {path.parent: path for path in REQUIREMENTS.glob("*/test.txt")}
    return [REQUIREMENTS / f"{level}.txt", *(locks[folder] for folder in sorted(locks))]


def enough(stamp: Path, *, tests: bool) -> str:
    """Choose which packages to have, `local` or `test`. Those of the tests stay once they came."""
    had = stamp.read_text() if stamp.exists() else ""
    return "test" if tests or had.startswith("test ") else "local"


def document_is_stale() -> bool:
    """Return whether a feature has come or gone since the API's document was made."""
    there = sorted(path.parts[-3] for path in ROOT.glob("backend_django/*/api/urls.py"))
    return not DOCUMENT.exists() or json.loads(DOCUMENT.read_bytes()).get("x-folders") != there


def lock_is_stale() -> bool:
    """Return whether package-lock.json has packages that package.json no longer asks for."""
    asked, lock = (
        json.loads((FRONTEND / name).read_bytes()) for name in ("package.json", "package-lock.json")
    )
    kinds = ("dependencies", "devDependencies")
    return any(asked.get(kind) != lock["packages"][""].get(kind) for kind in kinds)


def page_sources() -> list[Path]:
    """Every file the built page is made from."""
    skipped = {"node_modules", "dist", "coverage"}
    found = []
    for folder, folders, files in os.walk(FRONTEND):
        folders[:] = sorted(set(folders) - skipped)
        found += [Path(folder, name) for name in sorted(files)]
    return found


class Step:
    """Something that is made once from known inputs.

    name: shown to the person; stamp: the file that remembers what it was made from;
    wanted: hash of the inputs now; make: called with True when an earlier attempt was interrupted.
    """

    def __init__(
        self, name: str, stamp: Path, wanted: str, make: Callable[[bool], Awaitable[None]]
    ) -> None:
        self.name, self.stamp, self.wanted, self.make = name, stamp, wanted, make

    @property
    def had(self) -> str:
        with contextlib.suppress(OSError):
            return self.stamp.read_text()
        return ""

    @property
    def is_done(self) -> bool:
        return self.had == self.wanted

    async def do(self) -> None:
        if self.is_done:
            return
        with progress.step(self.name):
            had = self.had
            self._write(UNFINISHED)
            try:
                await self.make(had == UNFINISHED)
            except DownloadError:
                if self.stamp.exists():  # uv and npm fetch everything before they change anything
                    self._write(had)
                raise
            self._write(self.wanted)

    def _write(self, text: str) -> None:
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(text)


def venv_is_usable() -> bool:
    """Return whether .venv has an interpreter that exists and is new enough."""
    with contextlib.suppress(OSError):
        found = re.search(r"(?m)^version\w* = 3\.(\d+)", (VENV / "pyvenv.cfg").read_text())
        return PYTHON.exists() and found is not None and int(found[1]) >= 11
    return False


class Installation:
    """The steps, in the order and at the same time as they can be done."""

    def __init__(self, *, page: bool, build: bool, tests: bool = True) -> None:
        self.environment = environment = node.for_downloads(dict(os.environ))
        self.page = page
        machine = platform.machine() + platform.system()
        stamps = CACHE / "stamps"
        if not venv_is_usable():
            (stamps / "python").unlink(missing_ok=True)
        if not uv.UV.exists():
            (stamps / "uv").unlink(missing_ok=True)
        self.uv = Step("installer", stamps / "uv", digest([uv.REQUIREMENTS], machine), self._uv)
        self.level = enough(stamps / "python", tests=tests)
        self.requirements = python_requirements(self.level)
        wanted = f"{self.level} {digest(self.requirements, machine)}"
        self.python = Step("Python packages", stamps / "python", wanted, self._python)
        self.steps = [self.uv, self.python]
        if not page:
            return
        version = node.system_node()
        if version is None:
            if not node.WHEEL_BIN.exists():
                (stamps / "node").unlink(missing_ok=True)
            wanted = version = digest([NODE_REQUIREMENTS], machine)
            self.node: Step | None = Step("Node", stamps / "node", wanted, self._node)
            self.steps.append(self.node)
        else:
            self.node = None
        self.node_environment = node.node_environment(environment)
        self.version = version
        self.lock = [FRONTEND / name for name in ("package.json", "package-lock.json")]
        # in node_modules, because `npm ci` starts by removing that folder
        stamp = FRONTEND / "node_modules" / ".stamp"
        self.page_level = enough(stamp, tests=tests)
        self.modules = Step("page's packages", stamp, self._wanted_modules(), self._modules)
        self.only_add = f"test {self.modules.had.removeprefix('local ')}" == self.modules.wanted
        if not (FRONTEND / "dist" / "index.html").exists():
            (stamps / "page").unlink(missing_ok=True)
        self.build = Step("page", stamps / "page", digest(page_sources(), version), self._build)
        self.steps += [self.modules, self.build] if build else [self.modules]
        self.document: Step | None = None
        if tests and document_is_stale():
            (stamps / "document").unlink(missing_ok=True)
            self.document = Step("API document", stamps / "document", "made", self._document)
            self.steps.append(self.document)

    async def make(self) -> None:
        """Do what is not up to date. Raises UsageError."""
        if all(step.is_done for step in self.steps):
            return
        self._check_disk()
        builds = self.page and self.build in self.steps and not self.build.is_done
        drawing = asyncio.ensure_future(progress.keep_drawing())
        try:
            if not (self.python.is_done and (not self.page or not self.node or self.node.is_done)):
                await self.uv.do()
            if self.python.had.startswith("local ") and self.level == "test":
                await self.python.do()  # alone: where it fails, the page's packages stay as well
            async with asyncio.TaskGroup() as group:
                group.create_task(self.python.do())
                if self.page:
                    group.create_task(self._page())
            if self.page and self.document:
                await self.document.do()
                self.build.wanted = digest(page_sources(), self.version)
                if self.build in self.steps:
                    await self.build.do()
            if builds:
                await self._compress()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            drawing.cancel()

    def _check_disk(self) -> None:
        if not self.python.is_done and (free := shutil.disk_usage(ROOT).free) < FREE_BYTES:
            raise UsageError(
                f"The disk is full: {free >> 20} MB are free where {ROOT} is, a first set-up needs"
                f" {FREE_BYTES >> 20} MB. Free some space, then run the same command again."
            )

    async def _uv(self, _half_done: bool) -> None:
        shutil.rmtree(uv.FOLDER, ignore_errors=True)
        pip = uv.find_pip()
        command = uv.pip_install(pip) if pip else [sys.executable, "-m", "scripts.uv"]
        await run("installer", command, self.environment)

    async def _python(self, half_done: bool) -> None:
        if half_done or not venv_is_usable():
            shutil.rmtree(VENV, ignore_errors=True)
            base = getattr(sys, "_base_executable", None) or sys.executable
            command = [str(uv.UV), "venv", "--no-project", "--python", base, str(VENV)]
            await run("Python environment", command, self.environment)
        await self.uv_pip("sync", "--python", str(PYTHON), *map(str, self.requirements))

    async def _node(self, _half_done: bool) -> None:
        shutil.rmtree(node.WHEEL, ignore_errors=True)
        target = ["--python", sys.executable, "--target", str(node.WHEEL)]
        await self.uv_pip("install", *target, "-r", str(NODE_REQUIREMENTS), step="Node")
        node.link_wheel_commands()

    async def uv_pip(self, verb: str, *arguments: str, step: str = "Python packages") -> None:
        options = ["--require-hashes", "--no-progress"]
        await run(step, [str(uv.UV), "pip", verb, *options, *arguments], self.environment)

    async def _page(self) -> None:
        if self.node:
            await self.node.do()
        await self.modules.do()
        if self.build in self.steps and not self.document:
            await self.build.do()

    async def _modules(self, _half_done: bool) -> None:
        patience = {"npm_config_fetch_retries": "2", "npm_config_fetch_retry_mintimeout": "1000"}
        environment = {**patience, **self.node_environment}
        quiet = ["--no-audit", "--no-fund"]
        if lock_is_stale():
            only = ["--package-lock-only", "--ignore-scripts"]
            await run("page's lock", ["npm", "install", *only, *quiet], environment, FRONTEND)
            self.modules.wanted = self._wanted_modules()
        command = ["npm", "ci"]
        if self.page_level == "local":
            command.append("--omit=dev")
        elif self.only_add:  # `npm ci` would begin by removing what is there
            command = ["npm", "install", "--no-save"]
        await run("page's packages", [*command, *quiet], environment, FRONTEND)

    def _wanted_modules(self) -> str:
        return f"{self.page_level} {digest(self.lock, self.version)}"

    async def _document(self, _half_done: bool) -> None:
        command = [str(PYTHON), "-m", "scripts.schema"]
        await run("API document", command, self.node_environment, ROOT)

    async def _build(self, _half_done: bool) -> None:
        await run("page", ["npm", "run", "build"], self.node_environment, FRONTEND)

    async def _compress(self) -> None:
        """Write what WhiteNoise serves compressed: by gzip alone, because brotli takes seconds."""
        command = [str(PYTHON), "-m", "whitenoise.compress", "--quiet", "--no-brotli"]
        await run("page", [*command, str(FRONTEND / "dist" / "assets")], self.environment)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two targets started at once share one set-up instead of tearing at it."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another set-up of this checkout is under way: waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bootstrap", description=__doc__)
    parser.add_argument("--no-page", action="store_true", help="leave Node and the page alone")
    parser.add_argument("--no-build", action="store_true", help="leave the page as it is built")
    parser.add_argument("--no-tests", action="store_true", help="leave out what only checks need")
    parser.add_argument("--dotenv", action="store_true", help="make .env if there is none")
    parser.add_argument("--before", choices=["run", "dev"], help="look first whether it can start")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        if options.before:
            Runner(Stack(), dev=options.before == "dev", quiet=True).check()
        with only_one():
            installation = Installation(
                page=not options.no_page, build=not options.no_build, tests=not options.no_tests
            )
            asyncio.run(installation.make())
            if options.dotenv and create_dotenv():
                UNREAD_SECRETS.touch()
                progress.say("  ✓ .env with fresh secrets")
    except UsageError as error:
        print(f"\n{error}" if "\n" in str(error) else error, file=sys.stderr)
        return 1
    except OSError as error:
        sentence = explain("set-up", str(error)) or f"Set-up failed: {error}"
        print(sentence, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
