"""Schemathesis asks the running product what its document promises, and what it forbids.

In `make test` briefly and with a fixed seed; `make fuzz` asks at length, with another seed each
time, and says which.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.of_modules import of_modules
from tests.stack import ADMIN, Api, Stack, migrated_database

# `make fuzz` asks for more by the environment.
AT_LENGTH = "FUZZ_EXAMPLES" in os.environ
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), *[pytest.mark.matrix] * (not AT_LENGTH)]

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "1")
OF_THE_SAME_VIEWS = "copy|fetch|lines|refresh|report|short|survey"
# The views of /wordcount/ again, for other jobs, and every boundary: not in the brief run.
NOT_BRIEF = [] if AT_LENGTH else [f"/wordcount/({OF_THE_SAME_VIEWS})/"]
BRIEF = [] if AT_LENGTH else ["--phases", "fuzzing"]
# Who answers beside web, by the beginning of the addresses.
PROCESSES = {path: beside for more in of_modules("PROCESSES") for path, beside in more.items()}
SEED = os.environ.get("FUZZ_SEED", "1")
AT_LEAST = int(os.environ.get("FUZZ_AT_LEAST", "100"))

# These end the sign-in they were called with, or remove what others ask about, so each has a user
# of its own.
HARMFUL = ["/auth/logout/", "/auth/tokens/{id}/", "/requests/delete/"]
# A value of the right form is not enough: what it says must be true, and a name more than spaces.
MAY_REFUSE_GOOD_FORM = (
    r"/auth/(login|registration|password|email/change|user/delete)/"
    r"|/auth/tokens/$"
)
MAY_REFUSE_GOOD_FORM += "".join(f"|{more}" for more in of_modules("MAY_REFUSE_GOOD_FORM"))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own: what thousands of calls leave behind is no business of other tests."""
    made = Stack(tmp_path_factory.mktemp("fuzz"), migrated_database("fuzz"))
    try:
        made.manage("setup")
        made.start("web", "worker")
        yield made
    finally:
        made.stop()


def make_requests(api: Api, stack: Stack) -> list[str]:
    """Return the ids of a completed, a failed and a pending request."""
    made = [api.create("wordcount", content)["id"] for content in (b"one two", b"\0")]
    for request_id in made:
        api.wait("wordcount", request_id)
    stack.stop("worker")  # what comes now is to stay pending, not to take the machine
    return [*made, api.create("wordcount", b"three")["id"]]


def token_of_another_user(stack: Stack, number: int) -> str:
    return stack.manage(
        "shell",
        "-v0",
        "-c",
        "from backend_django.users.models import User\n"
        "from backend_django.users.services import token_create\n"
        f"user = User.objects.create_user('fuzz{number}@example.org', 'not a password')\n"
        "print(token_create(user=user, name='fuzz')[1])",
    ).strip()


def session_of_another_user(stack: Stack) -> str:
    """Return headers for what takes no token."""
    key = stack.manage(
        "shell",
        "-v0",
        "-c",
        "from django.test import Client\n"
        "from backend_django.users.models import User\n"
        "user = User.objects.create_user('fuzz@example.org', 'not a password')\n"
        "browser = Client()\n"
        "browser.force_login(user)\n"
        "print(browser.cookies['sessionid'].value)",
    ).strip()
    csrf = "x" * 32
    cookies = f"sessionid={key}; csrftoken={csrf}"
    return f'{{ Authorization = "", Cookie = "{cookies}", X-CSRFToken = "{csrf}" }}'


def configuration(stack: Stack, token: str, ids: list[str]) -> str:
    operations = [
        f'[[operations]]\ninclude-path = "{path}"\n'
        f'headers = {{ Authorization = "Token {token_of_another_user(stack, number)}" }}\n'
        for number, path in enumerate(HARMFUL)
    ] + [
        f"[[operations]]\ninclude-path-regex = '{MAY_REFUSE_GOOD_FORM}'\n"
        "checks.positive_data_acceptance.expected-statuses = [200, 201, 400, 403, 409, 429]\n"
    ]
    operations += [  # parameters that contradict each other, parts of another length, what is taken
        '[[operations]]\ninclude-path-regex = "/(create|batch|update|upload)/"\n'
        "checks.positive_data_acceptance.expected-statuses ="
        " [200, 201, 204, 400, 404, 409, 413, 429]\n"
    ]
    operations += [  # a kind that is none, a filter without a condition, an archive that is gone
        '[[operations]]\ninclude-path-regex = "/requests/"\n'
        "checks.positive_data_acceptance.expected-statuses = [200, 400, 404, 429]\n"
    ]
    operations += [  # a URL that is none, or of our own network
        f'[[operations]]\ninclude-path-regex = "{path}"\n'
        "checks.positive_data_acceptance.expected-statuses = [200, 201, 204, 400, 404, 409, 429]\n"
        for path in of_modules("TAKES_URLS")
    ]
    operations += [  # the range asked for may be beyond the end
        '[[operations]]\ninclude-path-regex = "/download-"\n'
        "checks.positive_data_acceptance.expected-statuses = [200, 206, 304, 404, 409, 416, 429]\n"
    ]
    operations += [  # places that are none, and an address the server finds too long (414)
        '[[operations]]\ninclude-path-regex = "/profile/"\n'
        "checks.status_code_conformance.enabled = false\n"
        "checks.positive_data_acceptance.expected-statuses = [200, 400, 404, 409, 414, 429]\n"
        "checks.negative_data_rejection.expected-statuses = [400, 404, 405, 406, 409, 414, 429]\n"
    ]
    for path in of_modules("TAKES_NO_TOKEN"):
        operations = [  # before the others: the first that says something has it
            f'[[operations]]\ninclude-path-regex = "{path}"\n'
            f"headers = {session_of_another_user(stack)}\n"
            "checks.positive_data_acceptance.expected-statuses = [200, 400, 403, 404, 409, 429]\n",
            *operations,
        ]
    return f"""
headers = {{ Authorization = "Token {token}" }}
[dictionaries.ids]
values = {ids}
[parameters]
"path.id" = {{ dictionary = "ids", probability = 0.5 }}
{"".join(operations)}"""


@pytest.fixture(scope="module")
def prepared(fuzzed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the document, and with whom Schemathesis signs in as."""
    folder = tmp_path_factory.mktemp("schemathesis")
    with fuzzed.client(**ADMIN) as api:
        ids = make_requests(api, fuzzed)
        token = api.headers["Authorization"].removeprefix("Token ")
        (folder / "openapi.json").write_text(api.get("schema/").text)
    (folder / "schemathesis.toml").write_text(configuration(fuzzed, token, ids))
    return folder


def ask(folder: Path, url: str, *options: str, at_least: int) -> None:
    """Have Schemathesis ask what the document promises, at the API of a process."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", folder / "schemathesis.toml", "run", folder / "openapi.json"),
            *("--url", f"{url}/api/v1", "--max-examples", EXAMPLES, "--seed", SEED),
            *options,
            *("--continue-on-failure", "--suppress-health-check", "all"),
        ],
        cwd=folder,  # where it keeps its notes
        capture_output=True,
        text=True,
    )
    if report := os.environ.get("FUZZ_REPORT"):
        with Path(report).open("a") as file:
            file.write(done.stdout)
    assert done.returncode == 0, f"seed {SEED}\n{done.stdout}{done.stderr}"
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated[1]) >= at_least
    assert "returned only 401/403" not in done.stdout, "the sign-in was lost on the way"


def check_log(fuzzed: Stack, name: str) -> None:
    log = fuzzed.log(name).read_text()
    assert "Internal Server Error" not in log
    assert "Traceback" not in log


def test_the_product_keeps_its_promises(fuzzed: Stack, prepared: Path) -> None:
    excluded = "|".join([*NOT_BRIEF, *(f"^{path}" for path in PROCESSES), "^/events/$"])
    # /events/ does not end; tests/live reads it
    ask(prepared, fuzzed.url, *BRIEF, "--exclude-path-regex", excluded, at_least=AT_LEAST)
    check_log(fuzzed, "web")


@pytest.mark.parametrize("path", PROCESSES)
def test_processes_beside_web_keep_theirs(fuzzed: Stack, prepared: Path, path: str) -> None:
    logs = set(fuzzed.logs())
    with PROCESSES[path](fuzzed) as url:
        # Nothing there may lead to anything else, which Schemathesis would take for a mistake.
        phases = ["--phases", "examples,coverage,fuzzing"]
        ask(prepared, url, "--include-path-regex", f"^{path}", *phases, at_least=10)
    for log in set(fuzzed.logs()) - logs:
        check_log(fuzzed, log.stem)
