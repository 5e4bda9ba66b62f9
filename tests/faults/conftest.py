import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from scripts.services import Valkey
from tests.proxy import Proxy
from tests.stack import Stack, migrated_database, wait_for


class ProxiedStack(Stack):
    """The product with a proxy before its database and one before its broker and cache."""

    def __init__(self, directory: Path, database_url: str, valkey: Valkey) -> None:
        self.valkey = valkey
        self.direct_url = database_url
        self.database = Proxy(urlsplit(database_url).port or 0).start()
        self.broker = Proxy(valkey.port or 0).start()
        super().__init__(
            directory,
            self.database.url(database_url),
            REDIS_URL=self.broker.url(valkey.url),
            WEB_THREADS="8",
        )

    def close(self) -> None:
        self.stop()
        self.database.stop()
        self.broker.stop()


@pytest.fixture(scope="package")
def proxied(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ProxiedStack]:
    # A process leaves the package and comes back where only some of its tests are chosen.
    url = migrated_database(f"proxied_{secrets.token_hex(4)}")
    directory = tmp_path_factory.mktemp("proxied")
    with Valkey(None) as valkey:
        made = ProxiedStack(directory, url, valkey)
        try:
            made.manage("setup")
            made.start()
            with psycopg.connect(made.direct_url, autocommit=True) as connection:
                reaped = "SELECT 1 FROM processing_maintenancerun"
                wait_for(lambda: connection.execute(reaped).fetchone(), what="beat has begun")
            yield made
        finally:
            made.close()
