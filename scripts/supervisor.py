"""Runs programs in the foreground: one log, restarts with backoff, an orderly stop, nothing left.

One thread and one loop. Each program leads a process group of its own, so a Ctrl-C reaches the
supervisor alone, which then stops the programs stage by stage and the servers under them last.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from scripts.environment import UsageError
from scripts.orphan_reaper import MARKER, OrphanReaper, send, send_group
from scripts.processes import dies_with_parent
from scripts.services import Service

QUICK_SECONDS = 10  # an end sooner than this after the start is a failure to start
MAX_QUICK_FAILURES = 5
FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 30
COLOURS = (36, 32, 33, 35, 34, 31)


@dataclass
class Program:
    """A command to keep running.

    stop_seconds: how long it may take to finish after SIGTERM before its group is killed.
    once: it is expected to end, and `then` is called with its exit code.
    gives_up: too many quick failures end the whole run.
    pulse: a file that it touches while it lives; when it has begun to and then does not for
        pulse_seconds, it is killed and started again.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    cwd: Path
    stop_seconds: float = 10
    once: bool = False
    then: Callable[[int], None] | None = None
    gives_up: bool = True
    pulse: Path | None = None
    pulse_seconds: float = 45

    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started_at: float = field(default=0, init=False)
    start_after: float | None = field(default=None, init=False)  # when to start (again)
    kill_after: float | None = field(default=None, init=False)  # being stopped, patience ends then
    restart_wanted: bool = field(default=False, init=False)
    failures: int = field(default=0, init=False)
    line: bytes = field(default=b"", init=False)  # printed so far without an end of line


class Supervisor:
    """Programs and the servers under them; `run` returns the exit code of the whole."""

    def __init__(self, services: list[Service] | None = None) -> None:
        self.services = services or []
        self.programs: dict[str, Program] = {}
        self.run_id = uuid4().hex
        self.exit_code = 0
        self.stop_requests = 0  # 1: in good order, 2: at once
        self._asked_at = 0.0
        self.stages: list[list[str]] = []
        self._service_failures: dict[str, list[float]] = {}
        self._calls: list[Callable[[], None]] = []
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._turned = self._resumed = time.time()  # the last turn; the last after a long stop
        self._orphan_reaper = OrphanReaper(self.run_id)
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    # What may be called from elsewhere

    def start_services(self) -> None:
        """Start the servers in order. Raises UsageError."""
        for service in self.services:
            service.start()
            self._watch_service(service)

    def add(self, program: Program, delay: float = 0) -> None:
        """Start a program, `delay` seconds from now, and keep it running."""
        self.programs[program.name] = program
        program.start_after = time.monotonic() + delay

    def restart(self, name: str) -> None:
        """Let a program finish what it is doing, then start it again."""
        program = self.programs[name]
        program.failures = 0
        if program.process is None:
            program.start_after = time.monotonic()
        elif program.kill_after is None:
            program.restart_wanted = True
            self._terminate(program)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Have the loop call a function. The one method for other threads."""
        self._calls.append(function)
        self._wake()

    def stop(self, exit_code: int = 0) -> None:
        """End the run in good order."""
        self.exit_code = self.exit_code or exit_code
        self.stop_requests = self.stop_requests or 1

    def say(self, text: str, name: str = "", colour: int = 1) -> None:
        """Write whole lines to the common log."""
        prefix = f"{name:>7} │ "
        if self._colour:
            prefix = f"\033[{colour}m{prefix}\033[0m"
        try:
            for line in text.splitlines() or [""]:
                sys.stdout.write(f"{prefix}{line}\n")
            sys.stdout.flush()
        except OSError:  # whoever read our output is gone: nobody is watching any more
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (until the end of the process)
            self.stop()

    def run(self) -> int:
        """Keep everything running until a signal, `stop`, or a program that will not start."""
        try:
            while not self.stop_requests:
                self._turn()
            self.say("stopping (Ctrl-C again to kill)")
            self._stop_programs()
        finally:
            for program in self.programs.values():
                self._kill(program)
            for service in reversed(self.services):
                process = service.process
                service.stop()
                if process:
                    self._orphan_reaper.forget(process.pid)
            self._orphan_reaper.close()
        self.say("stopped, nothing is left running")
        return self.exit_code

    # The loop

    def _turn(self, seconds: float = 0.2) -> None:
        """One round: what was printed, who ended, who is due."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reader, 4096)
            else:
                self._pump(key.data)
        while self._calls:
            self._calls.pop(0)()
        if time.time() - self._turned > 3:  # the machine slept
            self._resumed = time.time()
        self._turned, now = time.time(), time.monotonic()
        for program in list(self.programs.values()):
            if program.process is not None and program.process.poll() is not None:
                self._handle_exit(program)
            elif program.kill_after is None and self._hangs(program):
                self.say(f"no sign of life for {program.pulse_seconds:g} s, killed", program.name)
                self._kill(program)
            elif program.kill_after is not None and now > program.kill_after:
                self.say(f"did not stop within {program.stop_seconds:g} s, killed", program.name)
                self._kill(program)
            if program.start_after is not None and now >= program.start_after:
                self._start(program)
        if not self.stop_requests:
            self._revive_services()

    def _hangs(self, program: Program) -> bool:
        if program.process is None or program.pulse is None:
            return False
        try:
            last = max(program.pulse.stat().st_mtime, self._resumed)
        except FileNotFoundError:  # it is still starting
            return False
        return time.time() - last > program.pulse_seconds

    def _start(self, program: Program) -> None:
        program.start_after = None
        if self.stop_requests:
            return
        if program.pulse:
            program.pulse.unlink(missing_ok=True)
        try:
            program.process = subprocess.Popen(
                program.command,
                env={**program.environment, MARKER: self.run_id},
                cwd=program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGTERM),
            )
        except OSError as error:
            self.say(f"cannot be started: {error}", program.name)
            self.stop(1)
            return
        self._orphan_reaper.watch(program.process.pid, signal.SIGTERM)
        program.started_at, program.line = time.monotonic(), b""
        assert program.process.stdout is not None
        os.set_blocking(program.process.stdout.fileno(), False)
        self._selector.register(program.process.stdout, selectors.EVENT_READ, program)

    def _pump(self, program: Program) -> bool:
        """Copy the lines a program printed. False when there is nothing (more) to read."""
        if program.process is None or program.process.stdout is None:
            return False
        try:
            data = os.read(program.process.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            self._close_output(program)
            return False
        *lines, program.line = (program.line + data).split(b"\n")
        if lines:
            text = b"\n".join(lines).decode(errors="replace").replace("\r", "")
            index = list(self.programs).index(program.name)
            self.say(text, program.name, COLOURS[index % len(COLOURS)])
        return True

    def _close_output(self, program: Program) -> None:
        if program.process is not None and program.process.stdout is not None:
            self._selector.unregister(program.process.stdout)
            program.process.stdout.close()
            program.process.stdout = None

    def _handle_exit(self, program: Program) -> None:
        code, stopping = self._collect(program), program.kill_after is not None
        program.kill_after = None
        if program.restart_wanted:
            program.restart_wanted, program.start_after = False, time.monotonic()
            return
        if stopping or self.stop_requests:
            return
        if program.once:
            if code:
                self.say(f"failed with exit code {code}", program.name)
            if program.then:
                program.then(code)
            return
        lasted = time.monotonic() - program.started_at
        program.failures = program.failures + 1 if lasted < QUICK_SECONDS else 1
        if program.gives_up and program.failures >= MAX_QUICK_FAILURES:
            self.say(
                f"ended {program.failures} times right after its start (exit code {code}):"
                " giving up; its last lines above say why",
                program.name,
            )
            self.stop(1)
            return
        delay = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(program.failures - 1, 10))
        self.say(f"ended (exit code {code}), starts again in {delay:g} s", program.name)
        program.start_after = time.monotonic() + delay

    def _collect(self, program: Program) -> int:
        """End what a finished program left in its group, print its last words, forget it."""
        assert program.process is not None
        process = program.process
        send_group(process.pid, signal.SIGKILL)
        code = process.wait()
        self._orphan_reaper.forget(process.pid)
        while self._pump(program):
            pass
        self._close_output(program)
        if program.line:
            self.say(program.line.decode(errors="replace"), program.name)
        program.process = None
        return code

    def _revive_services(self) -> None:
        for service in self.services:
            if service.process is None or service.process.poll() is None:
                continue
            self._orphan_reaper.forget(service.process.pid)
            now = time.monotonic()
            recent = self._service_failures.setdefault(service.name, [])
            recent[:] = [at for at in recent if now - at < MAX_DELAY_SECONDS] + [now]
            self.say(f"{service.name} ended (exit code {service.process.returncode}), starts again")
            try:
                if len(recent) > MAX_QUICK_FAILURES:
                    raise UsageError(f"{service.name} ends again and again: giving up")
                service.start()
                self._watch_service(service)
            except UsageError as error:
                self.say(str(error))
                self.stop(1)

    def _watch_service(self, service: Service) -> None:
        if service.process is not None:
            self._orphan_reaper.watch(service.process.pid, service.stop_signal)

    # The end

    def _terminate(self, program: Program) -> None:
        if program.process is not None and program.kill_after is None:
            program.kill_after = time.monotonic() + program.stop_seconds
            send(program.process.pid, signal.SIGTERM)

    def _kill(self, program: Program) -> None:
        if program.process is not None:
            send_group(program.process.pid, signal.SIGKILL)
            program.process.wait()
            self._handle_exit(program)

    def _stop_programs(self) -> None:
        """SIGTERM stage by stage; programs named in no stage go with the last."""
        named = {name for stage in self.stages for name in stage}
        rest = [name for name in self.programs if name not in named]
        for stage in [*self.stages, rest]:
            programs = [self.programs[name] for name in stage if name in self.programs]
            for program in programs:
                self._terminate(program)
            while any(program.process for program in programs):
                if self.stop_requests > 1:
                    return
                self._turn(0.05)

    def _on_signal(self, number: int, _frame: Any) -> None:
        """The first signal stops, a later Ctrl-C kills.

        `timeout` and `make` both pass a signal on, so one request may arrive twice.
        """
        now = time.monotonic()
        if not self.stop_requests:
            self.stop_requests, self._asked_at = 1, now
        elif number == signal.SIGINT and now - self._asked_at > 0.5:
            self.stop_requests = 2
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writer, b".")
