"""The deployment that the tests of the image share."""

from collections.abc import Iterator

import pytest

from tests.image.deployment import HOST, Deployment
from tests.image.engine import engine, stop_engine

PROFILES = {
    "COMPOSE_PROFILES": "tls",
    "DJANGO_ALLOWED_HOSTS": f"{HOST},localhost",
    # one account at one address is everybody here
    "API_RATE_USER": "1000000/minute",
    "API_RATE_ADDRESS": "1000000/minute",
}
# [s3]
PROFILES |= {
    "COMPOSE_PROFILES": "tls,bucket",
    "AWS_STORAGE_BUCKET_NAME": "app-files",
    "AWS_S3_ENDPOINT_URL": "http://bucket:9000",
    "AWS_ACCESS_KEY_ID": "app",
}
# [/s3]


@pytest.fixture(scope="session", autouse=True)
def end_of_engine() -> Iterator[None]:
    """An engine that the tests started ends with them."""
    yield
    stop_engine()


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """production.yml, up and healthy, with passwords that are hard to quote, TLS and all else."""
    engine(
        "nginx",
        "rclone",  # [s3]
    )
    with Deployment(tmp_path_factory.mktemp("deployment"), **PROFILES) as made:
        # [s3]
        made.configure(AWS_S3_PUBLIC_ENDPOINT_URL=f"https://localhost:{made.https_port}")
        # [/s3]
        made.guide("up")
        yield made
