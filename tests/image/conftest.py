"""The deployment that the tests of the image share."""

from collections.abc import Iterator

import pytest

from tests.image.deployment import Deployment


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """production.yml, up and healthy, with passwords that are hard to quote."""
    with Deployment(tmp_path_factory.mktemp("deployment")) as made:
        made.guide("up")
        yield made
