"""The output of set-up: a line per step, and the reason when one fails."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.environment import CACHE, ROOT, UsageError
from scripts.processes import last_lines

LOGS = CACHE / "logs"

NETWORK = re.compile(
    r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|error sending request"
    r"|dns error|name resolution|name or service not known|connection refused|urlopen error"
    r"|failed to establish a new connection|network is unreachable|timed out",
    re.IGNORECASE,
)
CERTIFICATE = re.compile(
    r"certificate.verify|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|UnknownIssuer|invalid peer certif",
    re.IGNORECASE,
)
DISK = re.compile(r"no space left|ENOSPC|disk quota exceeded|os error 28\b", re.IGNORECASE)
DISK_FULL = "The disk is full: free some space, then run the same command again."


def explain(step: str, output: str) -> str | None:
    """Return advice on a failed step, judged by what its tool printed; None if unclear."""
    if DISK.search(output):
        return DISK_FULL
    if CERTIFICATE.search(output):
        return (
            f"The package server's certificate is not trusted ({step}): behind a company proxy, set"
            " SSL_CERT_FILE and NODE_EXTRA_CA_CERTS to a file with its certificate, then try again."
        )
    if NETWORK.search(output):
        return (
            f"No network ({step}): the package server cannot be reached. Check the connection and"
            " HTTPS_PROXY, then run the same command again; what is there already is kept."
        )
    return None


class DownloadError(UsageError):
    """The package server cannot be reached, or is not trusted."""


class Progress:
    """One line per finished step; on a terminal also one live line for those under way."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self.running: dict[str, float] = {}

    def say(self, line: str) -> None:
        print(f"\r\033[K{line}" if self.live else line, flush=True)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that `name` is under way, and how long it took once it has succeeded."""
        self.running[name] = started = time.monotonic()
        if not self.live:
            self.say(f"  … {name}")
        try:
            yield
            self.say(f"  ✓ {name} ({time.monotonic() - started:.1f} s)")
        finally:
            del self.running[name]
            self.draw()

    def draw(self) -> None:
        if self.live:
            now = time.monotonic()
            parts = [f"{name} {now - since:.0f} s" for name, since in self.running.items()]
            print(f"\r\033[K  … {', '.join(parts)}" if parts else "\r\033[K", end="", flush=True)

    async def keep_drawing(self) -> None:
        while self.live:
            self.draw()
            await asyncio.sleep(0.2)


progress = Progress()


async def run(step: str, command: list[str], environment: dict[str, str], cwd: Path = ROOT) -> None:
    """Run a tool with its output in a log. Raises UsageError with a sentence when it fails."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{re.sub(r'[^a-z]+', '-', step.lower()).strip('-')}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # also what an interrupted tool had started
    if code:
        sentence = explain(step, log.read_text(errors="replace"))
        if sentence and sentence != DISK_FULL:
            raise DownloadError(sentence)
        failed = f"{step} failed with exit code {code}. The end of {log}:\n{last_lines(log)}"
        raise UsageError(sentence or failed)
