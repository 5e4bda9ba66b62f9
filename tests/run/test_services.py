"""The private servers: durable, closed to others, gone with whoever started them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from scripts.binaries import ServiceError
from scripts.processes import free_port, is_alive
from scripts.services import Postgres, Service, Valkey
from tests.stack import ROOT, wait_for

pytestmark = pytest.mark.slow  # databases are made and killed


def test_rows_survive_a_stop_and_a_killed_server(tmp_path: Path) -> None:
    with Postgres(tmp_path) as postgres, psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    with Postgres(tmp_path) as postgres:
        with psycopg.connect(postgres.url) as connection:
            connection.execute("INSERT INTO kept VALUES (2)")
        assert postgres.process
        postgres.process.kill()
        postgres.process.wait()
        postgres.start()
        with psycopg.connect(postgres.url) as connection:
            assert connection.execute("SELECT sum(n) FROM kept").fetchone() == (3,)


def test_messages_survive_a_stop(tmp_path: Path) -> None:
    for expected in (1, 2):
        with Valkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url) as client:
            assert client.incr("starts") == expected


@pytest.mark.matrix
@pytest.mark.parametrize("kind", [Postgres, Valkey])
def test_a_throw_away_server_leaves_nothing(kind: type[Service]) -> None:
    with kind(None) as service:
        folder = service.data_dir
        assert folder
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.matrix
@pytest.mark.parametrize("kind", [Postgres, Valkey])
def test_what_a_killed_run_threw_away_is_removed_by_the_next(kind: type[Service]) -> None:
    code = f"from scripts.services import *; s = {kind.__name__}(None).start();"
    code += "print(s.data_dir, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as killed:
        assert killed.stdout
        left = Path(killed.stdout.readline().decode().strip())
        with kind(None):
            assert (left / "lock").exists()  # in use, so not touched
        killed.kill()

    def look() -> bool:
        with kind(None):
            return not left.exists()

    wait_for(look, what=f"{left} is removed")


def test_create_database_twice_gives_the_same_url() -> None:
    with Postgres(None, durable=False) as postgres:
        url = postgres.create_database("a second")
        assert postgres.create_database("a second") == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("a second",)


def test_other_users_of_the_machine_are_kept_out() -> None:
    with Postgres(None, durable=False) as postgres, Valkey(None) as valkey:
        without = postgres.url.replace(f":{postgres.password}@", ":wrong@")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(without)
        with socket.create_connection(("127.0.0.1", valkey.port or 0)) as connection:
            connection.sendall(b"GET secret\r\n")
            assert connection.recv(100).startswith(b"-NOAUTH")
        for service in (postgres, valkey):
            assert service.process
            arguments = Path(f"/proc/{service.process.pid}/cmdline").read_text()
            assert service.password not in arguments


@pytest.mark.parametrize("kind", [Postgres, Valkey])
def test_second_instance_on_the_same_data_is_refused(kind: type[Service], tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from scripts.services import *;"
        f"{kind.__name__}(Path(sys.argv[1])).start(); print('up', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as first:
        assert first.stdout
        assert first.stdout.readline() == b"up\n"
        with pytest.raises(ServiceError, match=f"is in use by process {first.pid}: another"):
            kind(tmp_path).start()


@pytest.mark.matrix
def test_servers_die_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from scripts.services import *;"
        "folder = Path(sys.argv[1]);"
        "p = Postgres(folder / 'p').start(); v = Valkey(folder / 'v').start();"
        "print(p.process.pid, v.process.pid, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout
        servers = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(is_alive, servers))
        parent.kill()
    wait_for(lambda: not any(map(is_alive, servers)), what="both servers end")
    with Postgres(tmp_path / "p") as postgres:  # and the data are usable at once
        psycopg.connect(postgres.url).close()


@pytest.mark.matrix
def test_a_stale_lock_file_naming_a_living_process_is_no_obstacle(tmp_path: Path) -> None:
    with Postgres(tmp_path) as postgres:
        pid_file = postgres.cluster / "postmaster.pid"
        content = pid_file.read_text()
    pid_file.write_text("\n".join([str(os.getpid()), *content.splitlines()[1:]]) + "\n")
    with Postgres(tmp_path) as postgres:
        psycopg.connect(postgres.url).close()


@pytest.mark.matrix
def test_interrupted_creation_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "cluster.new").mkdir()
    (tmp_path / "cluster.new" / "half").touch()
    with Postgres(tmp_path) as postgres:
        psycopg.connect(postgres.url).close()


@pytest.mark.matrix
def test_data_of_another_version_are_left_alone(tmp_path: Path) -> None:
    with Postgres(tmp_path) as postgres:
        version = postgres.cluster / "PG_VERSION"
        have = version.read_text()
    version.write_text("12\n")
    with pytest.raises(ServiceError, match=r"was written by PostgreSQL 12, .*clean-data"):
        Postgres(tmp_path).start()
    version.write_text(have)


@pytest.mark.parametrize(
    ("kind", "variable"), [(Postgres, "PG_BIN"), (Valkey, "REDIS_BIN")], ids=["PG_BIN", "REDIS_BIN"]
)
def test_a_wrong_binary_is_named(
    kind: type[Service], variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, "/nowhere")
    with pytest.raises(ServiceError, match=f"{variable}=/nowhere"):
        kind(tmp_path).start()


def test_a_server_that_does_not_start_shows_its_last_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServiceError, match=r"(?s)Valkey did not start.*already in use"):
            Valkey(tmp_path, port=taken.getsockname()[1]).start()


def test_a_free_port_is_never_given_to_a_connection() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert not {free_port() for _ in range(200)} & set(range(first, last + 1))


def test_the_product_s_role_can_do_nothing_on_the_machine(tmp_path: Path) -> None:
    with Postgres(tmp_path / "data") as postgres, psycopg.connect(postgres.url) as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert rights == (False,) * 5
        mark = tmp_path / "mark"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"COPY (SELECT 1) TO PROGRAM 'cat > {mark}'")
        assert not mark.exists()
        for name in ("password", "app-password"):
            assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.matrix
def test_data_from_before_the_product_had_a_role_are_handed_over(tmp_path: Path) -> None:
    with Postgres(tmp_path) as postgres, psycopg.connect(postgres.superuser_url) as connection:
        connection.execute("ALTER DATABASE app OWNER TO postgres")
        connection.execute("DROP SCHEMA public; CREATE SCHEMA public")
        connection.execute(
            "CREATE TABLE old (n int GENERATED ALWAYS AS IDENTITY, s serial);"
            "CREATE VIEW seen AS SELECT n FROM old; CREATE SEQUENCE own;"
            "INSERT INTO old DEFAULT VALUES"
        )
        connection.commit()
        (postgres.cluster / "owner-created").unlink()
    with Postgres(tmp_path) as postgres, psycopg.connect(postgres.url) as connection:
        connection.execute("INSERT INTO old DEFAULT VALUES")
        assert connection.execute("SELECT count(*) FROM seen").fetchone() == (2,)
        connection.execute("ALTER TABLE old ADD COLUMN more text; DROP SEQUENCE own")
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
