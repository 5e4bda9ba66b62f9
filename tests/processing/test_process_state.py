"""What a job changes in its process concerns neither the engine nor the next job."""

import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from copy import deepcopy

import pytest
from django.db import connection, connections
from django.utils import translation

from backend_django.processing import process_state
from backend_django.processing.attempt import INTERRUPT
from backend_django.processing.processor import Context, Output
from tests.processing.conftest import GOOD

from .conftest import Job, Run

pytestmark = pytest.mark.django_db(transaction=True)


def on_the_connection_below(statement: str) -> Callable[[Context], None]:
    def job(context: Context) -> None:
        connection.ensure_connection()
        connection.connection.execute(statement)

    return job


@pytest.mark.parametrize(
    "job",
    [
        lambda context: os.chdir(context.workdir),
        lambda context: os.umask(0o777),
        lambda context: os.environ.clear(),
        lambda context: setattr(os, "environ", {"PATH": "/nowhere"}),
        lambda context: signal.signal(INTERRUPT, signal.SIG_IGN),
        lambda context: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        lambda context: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)),
        lambda context: signal.setitimer(signal.ITIMER_VIRTUAL, 0.001),
        lambda context: sys.setrecursionlimit(120),
        lambda context: resource.setrlimit(resource.RLIMIT_FSIZE, (1, -1)),
        lambda context: setattr(sys, "stdout", None),
        lambda context: logging.disable(logging.CRITICAL),
        lambda context: socket.setdefaulttimeout(0.001),
        lambda context: translation.activate("ar"),
        lambda context: connection.cursor().execute("SET search_path = nowhere"),
        lambda context: connection.cursor().execute("SET default_transaction_read_only = on"),
        lambda context: connection.settings_dict.update(NAME="nowhere"),
        lambda context: connection.settings_dict["OPTIONS"].update(options="-c search_path="),
        on_the_connection_below("SET search_path = nowhere"),
        on_the_connection_below("CREATE TEMPORARY TABLE processing_processingattempt (id int)"),
        on_the_connection_below("BEGIN; LOCK TABLE users_user"),
        lambda context: connections.__setitem__("default", None),  # type: ignore[assignment]
    ],
)
def test_what_a_job_changes_in_its_process_is_undone(run: Run, job: Job) -> None:
    before = [read() for _, read, _ in process_state.STATE], translation.get_language()
    address = deepcopy(connection.settings_dict)
    environment, path = os.environ, os.environ["PATH"]
    try:
        assert run(lambda context: (job(context), Output(GOOD))[1]).status == "completed"
        after = [read() for _, read, _ in process_state.STATE], translation.get_language()
        assert after == before
        assert connection.settings_dict == address
        assert os.environ["PATH"] == path
    finally:
        os.environ = environment  # noqa: B003 (a job may have put another one there)
        for (_, _, write), value in zip(process_state.STATE, before[0], strict=True):
            write(value)
