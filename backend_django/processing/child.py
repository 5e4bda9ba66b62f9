"""Running a function in a process of its own, from the worker's side (see child_main.py)."""

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from backend_django.utils.messages import Message

from .errors import ProcessingError
from .fork_client import ForkedChild, fork_child

logger = logging.getLogger(__name__)
GRACE_SECONDS = 3.0  # between asking a child to stop and making it
POLL_SECONDS = 0.25
MAX_ANSWER_BYTES = 64 * 1024**2
MAX_LINE_BYTES = 2000  # of what a child prints; the rest of a line is left out
TOO_LARGE = "result_too_large", Message("The result of this job is too large. Try a smaller input.")
TOO_LONG = "time_limit", Message("This took longer than is allowed for one job.")


def run_in_child(
    target: str,
    arguments: dict[str, Any],
    *,
    report: Callable[[str | None, float], None],
    check: Callable[[], None],
    memory_bytes: int,
    timeout: float,
    env: Mapping[str, str],
    scratch: Path | None = None,
) -> Any:
    """Call `target` ("module:function") with JSON arguments in a child process; return its answer.

    The child is forked from a process that has imported the module, and that is kept for the next
    call with the same `env`. Where that is not possible (macOS; a module that starts threads when
    it is imported), it is a new process.

    Args:
        report: called with (step, fraction) as the child reports them.
        check: called several times a second; what it raises ends the child and is passed on.
        memory_bytes: limit of the child's address space.
        timeout: seconds until the child is ended with ProcessingError("time_limit").
        env: environment variables added to the worker's own before the module is imported.
        scratch: where the child's temporary files go.

    Raises:
        ProcessingError: raised by the target, or out_of_memory, time_limit, crashed.
    """
    deadline = time.monotonic() + timeout

    def check_all() -> None:
        check()
        if time.monotonic() > deadline:
            raise ProcessingError(*TOO_LONG)

    answer: dict[str, Any] | None = None
    with contextlib.ExitStack() as ours:
        with contextlib.ExitStack() as theirs:
            given, stdin = _open_pipe(ours, theirs, to_child=True)
            answers, pipe = _open_pipe(ours, theirs)
            said, stdout = _open_pipe(ours, theirs)
            process = _start(target, memory_bytes, env, scratch, [given, answers, said], check_all)
        output = _Output(stdout)
        try:
            with contextlib.suppress(BrokenPipeError), stdin:
                stdin.write(json.dumps(arguments).encode())
            for message in _messages(pipe, output, check_all):
                if "progress" in message:
                    report(message.get("step"), message["progress"])
                else:  # what the child has started may keep the pipe open for longer
                    answer = message
                    break
            process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # it has answered, but does not go: it is ended below
        finally:
            _end(process)
            output.close()
    return _unwrap(answer, process.returncode)


def _open_pipe(
    ours: contextlib.ExitStack, theirs: contextlib.ExitStack, *, to_child: bool = False
) -> tuple[int, IO[bytes]]:
    """Return the child's end of a pipe and our own, which are closed with their stacks."""
    read, write = os.pipe()
    child, own = (read, write) if to_child else (write, read)
    theirs.callback(os.close, child)
    return child, ours.enter_context(open(own, "wb") if to_child else open(own, "rb", buffering=0))


def _start(
    target: str,
    memory_bytes: int,
    env: Mapping[str, str],
    scratch: Path | None,
    descriptors: list[int],
    check: Callable[[], None],
) -> subprocess.Popen[bytes] | ForkedChild:
    """Start a child that reads its arguments and answers through pipes.

    Args:
        descriptors: the child's ends: of what it is given, of its answers, of its output.
    """
    environment = {**os.environ, "PYTHONPATH": _python_path(), **env}
    own = {"TMPDIR": str(scratch)} if scratch else {}
    job = {"target": target, "memory_bytes": memory_bytes, "env": own}
    if forked := fork_child(target.partition(":")[0], job, environment, descriptors, check):
        return forked
    given, answers, said = descriptors
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "backend_django.processing.child_main",
            target,
            str(answers),
            str(memory_bytes),
        ],
        stdin=given,
        stdout=said,
        stderr=said,
        pass_fds=[answers],
        env=environment | own,
        start_new_session=True,
    )


def _python_path() -> str:
    """Let the child find this package wherever the worker was started."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))


class _Output:
    """The output of a child process, logged line by line as the job's own."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self._rest = b""
        # What the child has started may keep its end open for longer than the child is there.
        os.set_blocking(stream.fileno(), False)

    def read(self) -> bool:
        """Log what has come; return whether there may be more."""
        try:
            chunk = os.read(self.stream.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk or len(self._rest) > MAX_LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if text := line[:MAX_LINE_BYTES].decode(errors="replace").rstrip():
                logger.info("%s", text)
        return bool(chunk)

    def close(self) -> None:
        with self.stream:
            while self.read():
                pass


def _messages(pipe, output, check):  # type: ignore[no-untyped-def]
    """Yield the child's JSON lines until it closes its end."""
    line: list[bytes] = []  # joined when it is whole: an answer may come in thousands of pieces
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        selector.register(output.stream, selectors.EVENT_READ)
        while True:
            check()
            ready = {key.fileobj for key, _ in selector.select(POLL_SECONDS)}
            if output.stream in ready and not output.read():
                selector.unregister(output.stream)
            if pipe not in ready:
                continue
            chunk = os.read(pipe.fileno(), 65536)
            if not chunk:
                return
            first, *others = chunk.split(b"\n")
            line.append(first)
            size += len(first)
            if size > MAX_ANSWER_BYTES:
                raise ProcessingError(*TOO_LARGE)
            for following in others:
                yield json.loads(b"".join(line))
                line, size = [following], len(following)


def _end(process: subprocess.Popen[bytes] | ForkedChild) -> None:
    """End the child and whatever it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _unwrap(answer: dict[str, Any] | None, returncode: int) -> Any:
    if answer is None:
        if returncode == -signal.SIGKILL:
            raise ProcessingError(
                "out_of_memory",
                "The system ended this job, most likely because it needed too much memory. "
                "Try a smaller input.",
            )
        if returncode in (-signal.SIGALRM, -signal.SIGXCPU):  # a target may limit its own steps
            raise ProcessingError(*TOO_LONG)
        raise ProcessingError(
            "crashed",
            "The job's process ended without an answer (code %(code)s).",
            code=str(returncode),
        )
    if "error" in answer:
        error = answer["error"]
        made_of = error.get("made_of")
        message = Message.from_json(made_of) if made_of else error["message"]
        raise ProcessingError(error["code"], message)
    if "exception" in answer:
        raise ChildError(answer["exception"])
    return answer["result"]


class ChildError(RuntimeError):
    """The target raised something unexpected; the text is the child's traceback, for the log."""
