"""Flower in production.yml: there for who has the password."""

import base64

import httpx
import pytest

from tests.image.deployment import PASSWORDS, Deployment

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]


def test_it_wants_its_password_in_production(deployment: Deployment) -> None:
    url = f"http://{deployment.address('flower')}:5555"
    assert httpx.get(f"{url}/healthcheck").status_code == 200
    assert httpx.get(f"{url}/workers").status_code == 401
    assert httpx.get(f"{url}/workers", auth=("flower", "wrong")).status_code == 401
    account = f"flower:{PASSWORDS['flower_password']}".encode()
    header = {"Authorization": "Basic " + base64.b64encode(account).decode()}
    shown = httpx.get(f"{url}/workers", headers=header)
    assert shown.status_code == 200
    assert "celery@" in shown.text
