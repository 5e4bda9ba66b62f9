"""The deployment that the tests of the image share."""

import itertools
from collections.abc import Iterator

import pytest

from tests.image.deployment import HOST, Deployment
from tests.image.engine import engine, stop_engine
from tests.image.modules import additions

PROFILES = {
    "COMPOSE_PROFILES": "tls",
    "DJANGO_ALLOWED_HOSTS": f"{HOST},localhost",
    # one account at one address is everybody here
    "API_RATE_USER": "1000000/minute",
    "API_RATE_ADDRESS": "1000000/minute",
}


@pytest.fixture(scope="session", autouse=True)
def end_of_engine() -> Iterator[None]:
    """An engine that the tests started ends with them."""
    yield
    stop_engine()


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """production.yml, up and healthy, with passwords that are hard to quote, TLS and all else."""
    engine("nginx", *itertools.chain(*additions("BASES")))
    with Deployment(tmp_path_factory.mktemp("deployment"), **PROFILES) as made:
        for added in additions("SETTINGS"):
            port = made.https_port
            made.configure(**{name: text.format(https_port=port) for name, text in added.items()})
        made.guide("up")
        yield made
