"""Flower in production.yml: there for who has the password."""

import base64

import httpx
import pytest

from tests.image.deployment import PASSWORDS, Deployment

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]


def authorization(password: str) -> dict[str, str]:
    account = base64.b64encode(f"flower:{password}".encode()).decode()
    return {"Authorization": f"Basic {account}"}


def test_it_wants_its_password_in_production(deployment: Deployment) -> None:
    url = f"http://{deployment.address('flower')}:5555"
    assert httpx.get(f"{url}/healthcheck").status_code == 200
    assert httpx.get(f"{url}/workers").status_code == 401
    assert httpx.get(f"{url}/workers", auth=("flower", "wrong")).status_code == 401
    shown = httpx.get(f"{url}/workers", headers=authorization(PASSWORDS["flower_password"]))
    assert shown.status_code == 200
    assert "celery@" in shown.text


def test_its_password_can_be_exchanged(deployment: Deployment) -> None:
    secret = deployment.folder / "secrets" / "flower_password"
    for password in ("another", PASSWORDS["flower_password"] + "\n"):
        secret.write_text(password)
        deployment.guide("recreate-flower")
        url = f"http://{deployment.address('flower')}:5555/workers"
        answer = httpx.get(url, headers=authorization(password.strip()))
        assert answer.status_code == 200
