"""The whole product on this machine: `python -m scripts.stack COMMAND`.

run: web, worker and beat over private servers, in the foreground.
dev: the same with Vite in front and everything reloading on a change.
demo: the main job without a browser, on the running stack or on one started for it.
manage: Django's manage.py with the servers up.
restore: the same, but only while nothing else runs on the data.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from scripts.environment import ROOT, UsageError, private_folder
from scripts.modules import module_programs
from scripts.processes import dies_with_parent, end_with_parent, free_port, last_lines
from scripts.progress import DISK, DISK_FULL
from scripts.runner import MANAGE, READY_SECONDS, Runner, Stack


def run(options: argparse.Namespace) -> int:
    if os.environ.get("MAKELEVEL"):
        end_with_parent()  # a killed make passes nothing on
    os.umask(0o077)  # emails are files with links that let somebody in
    return Runner(Stack(), dev=options.command == "dev", quiet=options.quiet).run()


def manage(options: argparse.Namespace) -> int:
    """manage.py with the servers up: those of the running stack, or started for it."""
    stack = Stack()
    running = stack.state.read()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which then ends
    command = [*MANAGE, *options.arguments]
    keep: dict[str, Any] = {"cwd": ROOT, "preexec_fn": default_interrupt}
    if running:
        stack.postgres = stack.valkey = None
        return subprocess.run(
            command, env=stack.environment(**running["environment"]), **keep
        ).returncode
    stack.check_disk()
    try:
        for service in stack.services:
            service.start()
        if stack.postgres:  # who knows what the command changes
            (stack.postgres.cluster / "setup-done").unlink(missing_ok=True)
        return subprocess.run(command, env=stack.environment(), **keep).returncode
    finally:
        for service in reversed(stack.services):
            service.stop()


def default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    dies_with_parent()


def restore(options: argparse.Namespace) -> int:
    """Restore a backup into this data folder."""
    if Stack().state.read():
        raise UsageError("The stack is running: stop it first, then restore.")
    options.arguments = ["restore", *options.arguments]
    return manage(options)


def demo(options: argparse.Namespace) -> int:
    """Each feature's demo against the running stack, or one that lives only for it."""
    modules = sorted(ROOT.glob("backend_django/*/demo.py"))
    if not modules:
        print("No feature brings a demo (backend_django/<feature>/demo.py).")
        return 0
    stack = Stack()
    running = stack.state.read()
    own: subprocess.Popen[bytes] | None = None
    log = stack.state.folder / "demo.log"
    try:
        if not running:
            own = start_quietly(stack, log)
            running = wait_for_stack(stack, own, log)
        environment = {**stack.settings, "PYTHONUNBUFFERED": "1"}
        code = 0
        for module in modules:
            name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
            command = [sys.executable, "-m", name, "--base-url", running["url"], *options.file]
            code = subprocess.run(command, cwd=ROOT, env=environment).returncode or code
        return code
    finally:
        if own:
            own.terminate()
            own.wait()


def start_quietly(stack: Stack, log: Path) -> subprocess.Popen[bytes]:
    print("starting the stack …", flush=True)
    private_folder(log.parent)
    ports = {name: str(free_port()) for name in ("PORT", *(p.port[0] for p in module_programs()))}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.stack", "run", "--quiet"],
            cwd=ROOT,
            env={**os.environ, **ports},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a Ctrl-C is for us, and we stop it
            preexec_fn=dies_with_parent(),
        )


def wait_for_stack(stack: Stack, own: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + READY_SECONDS * 2
    while own.poll() is None and time.monotonic() < deadline:
        running = stack.state.read()
        if running and running["ready"]:
            return running
        time.sleep(0.1)
    raise UsageError(f"The stack did not start. The end of {log}:\n{last_lines(log, 30)}")


def clean_data(_options: argparse.Namespace) -> int:
    """Remove the data folder, unless something uses it."""
    stack = Stack()
    if not stack.state.acquire():
        raise UsageError("The stack is running: stop it first, then remove its data.")
    for name in (
        "postgres",
        "valkey",
        "media",
        "mail",
        "work",
        "run",
        "demo",
    ):  # nothing else that lies there
        shutil.rmtree(stack.data / name, ignore_errors=True)
    print(f"Removed the development data in {stack.data}.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.stack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "dev"):
        command = commands.add_parser(name)
        command.add_argument("--quiet", action="store_true", help="do not show fresh secrets")
        command.set_defaults(function=run)
    command = commands.add_parser("demo")
    command.add_argument("file", nargs="*", help="the input; default: the sample")
    command.set_defaults(function=demo)
    for name, function in (("manage", manage), ("restore", restore)):
        command = commands.add_parser(name, add_help=False, prefix_chars="\0")
        command.add_argument("arguments", nargs=argparse.REMAINDER)
        command.set_defaults(function=function)
    commands.add_parser("clean-data").set_defaults(function=clean_data)
    options = parser.parse_args()
    try:
        return int(options.function(options))
    except UsageError as error:
        print(DISK_FULL if DISK.search(str(error)) else error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
