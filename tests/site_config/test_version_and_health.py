"""What probes and people may ask without signing in."""

import tomllib
from unittest.mock import Mock

import pytest
from django.test import Client

from tests.stack import ROOT

PROJECT = tomllib.loads((ROOT / "project.toml").read_text())
VERSION = PROJECT["version"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_version_is_open_to_anyone_even_with_a_dead_token(client: Client, slash: str) -> None:
    dead = {"authorization": "Token 0123"}
    assert client.get(f"/api/v1/version{slash}", headers=dead).json() == {"version": VERSION}
    info = client.get(f"/api/v1/version-info{slash}").json()
    assert info == {
        "name": PROJECT["slug"], "version": VERSION, "commit": "", "environment": "test",
    }  # fmt: skip


def test_live_asks_nobody(client: Client) -> None:  # no database: pytest-django would refuse
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready/"])
def test_probes_ask_by_address_and_nobody_else_may(client: Client, db: None, path: str) -> None:
    assert client.get(path, headers={"host": "10.0.0.7:5000"}).status_code == 200
    assert client.get(f"{path}/../../login", headers={"host": "10.0.0.7"}).status_code == 400
    assert client.get("/api/v1/version/", headers={"host": "10.0.0.7"}).status_code == 400


def test_ready_needs_the_database(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/health/ready").status_code == 200

    def away(*_: object) -> None:
        raise OSError("connection refused by 10.0.0.7")

    monkeypatch.setattr("backend_django.site_config.views.connection", Mock(cursor=away))
    answer = client.get("/health/ready/")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "unavailable", "reason": "database"},
    )
