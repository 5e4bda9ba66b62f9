"""Plain HTTP is sent to the port that HTTPS is served on, by nginx as it runs in production."""

from pathlib import Path

import httpx
import pytest

from scripts.processes import free_port
from tests.matrix import matrix
from tests.nginx import running_nginx

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("settings", "port"),
    [
        matrix({"HTTPS_PORT": "443", "SITE_URL": ""}, ""),
        ({"HTTPS_PORT": "8443", "SITE_URL": ""}, ":8443"),
        # A router in front takes 443, or another port, to that of the machine.
        matrix({"HTTPS_PORT": "8443", "SITE_URL": "https://www.example.org/gis"}, ""),
        matrix({"HTTPS_PORT": "8443", "SITE_URL": "https://www.example.org:9443"}, ":9443"),
    ],
)
def test_plain_http_is_sent_to_the_port_that_visitors_know(
    settings: dict[str, str], port: str, tmp_path: Path
) -> None:
    with running_nginx(tmp_path, {"web:5000": free_port()}, settings=settings) as gateway:
        headers = {"Host": f"www.example.org:{gateway.plain}"}
        answer = httpx.get(f"http://127.0.0.1:{gateway.plain}/login?next=/x", headers=headers)
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://www.example.org{port}/login?next=/x"
