"""Flower in local.yml."""

import httpx
import pytest

from .conftest import ACCOUNT, Local

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]


def test_flower_wants_its_password(local: Local) -> None:
    workers = f"{local.url('FLOWER_PORT')}/workers"
    assert httpx.get(workers).status_code == 401
    assert httpx.get(workers, auth=("flower", ACCOUNT[1])).status_code == 200
