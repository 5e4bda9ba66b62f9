"""The role that the compose files make for the product: it owns its database and nothing else."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from scripts.binaries import find_postgres
from scripts.services import Postgres
from tests.compose import read

PASSWORD = "$p'a\"ss @#$HOME%41 &*/:? word+\\ é"  # as tests/image/deployment.py tries it
# The image's entrypoint, as far as it matters here.
ENTRYPOINT = """#!/bin/sh
for file in "$INIT"/*.sql; do
    psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet -f "$file" "$SUPERUSER"
done
echo "$@"
"""


@pytest.mark.parametrize("file", ["production.yml", "local.yml"])
def test_the_product_s_role_is_not_the_one_that_the_image_makes(file: str) -> None:
    service = read(file)["services"]["postgres"]
    assert service["environment"]["POSTGRES_USER"] == "postgres"
    assert "POSTGRES_DB" not in service["environment"]
    assert "$" not in service["environment"]["OWNER_SQL"], "compose would put variables in"
    if file == "production.yml":
        assert any("/docker-entrypoint-initdb.d:" in mount for mount in service["tmpfs"])


@pytest.mark.slow
@pytest.mark.parametrize("file", ["production.yml", "local.yml"])
def test_its_initialisation_makes_an_owner_without_rights(file: str, tmp_path: Path) -> None:
    service = read(file)["services"]["postgres"]
    secret, init = tmp_path / "secret", tmp_path / "init"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    init.mkdir()
    program = tmp_path / "docker-entrypoint.sh"
    program.write_text(ENTRYPOINT)
    program.chmod(0o755)
    command = [
        part.replace("$$", "$").replace("/docker-entrypoint-initdb.d", str(init))
        for part in service["entrypoint"] + service["command"]
    ]
    statements = service["environment"]["OWNER_SQL"]
    password = PASSWORD if file == "production.yml" else "app"
    with Postgres(None, durable=False, database="other") as postgres:
        superuser = urlsplit(postgres.superuser_url)._replace(path="/postgres").geturl()
        with psycopg.connect(superuser, autocommit=True) as connection:  # as the image begins
            connection.execute("DROP DATABASE other")
            connection.execute("DROP ROLE app")
        environment = os.environ | {
            "PATH": os.pathsep.join([str(tmp_path), str(find_postgres()), os.environ["PATH"]]),
            "SUPERUSER": superuser,
            "INIT": str(init),
            "OWNER_SQL": statements.replace("/run/secrets/postgres_password", str(secret)),
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == " ".join(service["command"]), "the server is started"
        account = f"host=127.0.0.1 port={postgres.port} dbname=app user=app"
        with psycopg.connect(account, password=password) as connection:
            rights = connection.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert rights == (False,) * 5
            connection.execute("CREATE TABLE mine (n int)")
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        if file == "production.yml":
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(superuser)
