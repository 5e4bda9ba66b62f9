"""People with an authenticator app."""

import pytest

from tests.accounts.conftest import (  # noqa: F401 (fixtures)
    PASSWORD,
    Visitor,
    ada,
    another,
    post_office,
    signed_in,
    site,
    visitor,
)

from .authenticator import code_of


@pytest.fixture
def secured(signed_in: Visitor) -> tuple[str, list[str]]:  # noqa: F811
    """Ada asks for a code from now on: the app's secret and the recovery codes."""
    secret = signed_in.call("mfa/propose").json()["secret"]
    proof = {"code": code_of(secret), "password": PASSWORD}
    answer = signed_in.call("mfa/activate", secret=secret, **proof)
    assert answer.status_code == 200, answer.content
    return secret, answer.json()["recovery_codes"]
