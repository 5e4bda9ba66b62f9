"""The journey that the workflow makes in a cluster, made of a product that runs here."""

import os
import subprocess
import sys

import pytest

from backend_django.processing.registry import all_processors
from tests.stack import ADMIN, ROOT, Stack

pytestmark = [pytest.mark.slow, pytest.mark.matrix]
SAMPLES = [processor.name for processor in all_processors() if processor.sample]


def journey(stack: Stack, password: str = ADMIN["password"]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "deploy" / "journey.py"), stack.url, ADMIN["email"]]
    environment = {"PATH": os.environ["PATH"], "PASSWORD": password}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)


@pytest.mark.skipif(not SAMPLES, reason="no feature has a sample")
def test_samples_are_worked_on_and_again_beside_what_is_there(stack: Stack) -> None:
    for words in ((), ("has its result of an earlier run",)):
        done = journey(stack)
        assert done.returncode == 0, done.stderr
        for word in (*words, "was completed and has its result"):
            assert done.stdout.count(word) == len(SAMPLES), done.stdout


def test_what_does_not_work_is_said(stack: Stack) -> None:
    done = journey(stack, "wrong")
    assert done.returncode == 1
    assert done.stderr.startswith("POST /auth/login/ was answered 400")
