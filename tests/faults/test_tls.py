"""Connections to the servers by TLS: the settings take their addresses, and handshakes end."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from scripts.services import Valkey
from tests.live.reading import Reader
from tests.stack import ROOT, Api, Stack, migrated_database, wait_for
from tests.tls import TlsProxy, make_certificate

from .test_hanging_servers import all_is_well, look, post

pytestmark = [pytest.mark.matrix]


class EncryptedStack(Stack):
    """The product with TLS on the way to its servers, which it verifies."""

    def __init__(self, directory: Path, database_url: str, redis_url: str) -> None:
        directory.mkdir()
        certificate = make_certificate(directory)
        self.database = TlsProxy(urlsplit(database_url).port or 0, certificate)
        self.broker = TlsProxy(urlsplit(redis_url).port or 0, certificate)
        super().__init__(
            directory,
            self.database.url(database_url, sslmode="verify-full", sslrootcert=str(certificate)),
            REDIS_URL=self.broker.url(
                redis_url, "rediss", ssl_cert_reqs="required", ssl_ca_certs=str(certificate)
            ),
            WEB_THREADS="8",
        )


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EncryptedStack]:
    url = migrated_database(f"encrypted_{secrets.token_hex(4)}")
    with Valkey(None) as valkey:
        made = EncryptedStack(tmp_path_factory.mktemp("tls") / "stack", url, valkey.url)
        with made.database, made.broker, made.running():
            yield made


def lives(encrypted: EncryptedStack) -> bool:
    with contextlib.suppress(httpx.ConnectError):
        return look(encrypted, "/health/live").status_code == 200
    return False


@pytest.fixture
def api(encrypted: EncryptedStack) -> Iterator[Api]:
    with encrypted.client() as client:
        yield client


def test_the_product_works(encrypted: EncryptedStack, api: Api) -> None:
    all_is_well(api)
    reader = Reader(encrypted.url, dict(api.headers))
    try:
        wait_for(lambda: reader.events, what="the stream begins")
        made = api.create("wordcount", b"one two")
        wait_for(
            lambda: any(made["id"] in event.data for event in reader.events), what="it is told"
        )
    finally:
        reader.close()
    assert encrypted.database.handshakes > 2
    assert encrypted.broker.handshakes > 2


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL"])
def test_another_certificate_is_refused(
    encrypted: EncryptedStack, tmp_path: Path, variable: str
) -> None:
    url = encrypted.environment[variable]
    known = str(encrypted.directory / "certificate.pem")
    other = url.replace(known.replace("/", "%2F"), str(make_certificate(tmp_path)))
    assert other != url
    look = {
        "DATABASE_URL": "from django.db import connection; connection.ensure_connection()",
        "REDIS_URL": "from celery import current_app as c; c.connection_for_write()"
        ".ensure_connection(max_retries=0)",
    }[variable]
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", look], cwd=ROOT, text=True,
        env=os.environ | encrypted.environment | {variable: other}, capture_output=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "certificate verify failed" in done.stderr


@pytest.mark.parametrize("how", ["silent", "dribbling"])
def test_handshakes_that_do_not_end(encrypted: EncryptedStack, api: Api, how: str) -> None:
    encrypted.broker.hangs = how
    encrypted.stop("web")
    encrypted.start_process("web", encrypted.commands["web"])  # so that all is connected anew
    wait_for(encrypted._ready, what="web is ready")
    try:
        accepted = post(api)
        assert accepted.status_code == 201
        encrypted.database.hangs = how
        encrypted.stop("web")
        encrypted.start_process("web", encrypted.commands["web"])
        wait_for(lambda: lives(encrypted), what="web is there")
        answers = [post(api) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {503}
        assert int(answers[0].headers["Retry-After"]) > 0
        assert look(encrypted, "/health/live").status_code == 200
    finally:
        encrypted.broker.hangs = encrypted.database.hangs = ""
    all_is_well(api, accepted)
