"""One archive of everything: the database as one snapshot, and the files that its rows name.

A tar file, so that nothing of ours is needed to look into it:

    about.json       format, time, release, the newest migration of each app
    files/<name>     the files of the storage
    database.dump    for pg_restore
    SHA256SUMS       of all of these, as `sha256sum --check` reads it

It is written and read as a stream. The database is dumped first and comes last: files are never
changed once they are written, so those that the dump names are what they were; and a restore
touches the database only when every checksum is right. What the database held is put aside, in a
schema, and put back when the restore fails.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from backend_django.files.storage import free_bytes, store

from .tidy import find_named_files

FORMAT = 1
ABOUT, FILES, DUMP, SUMS = "about.json", "files/", "database.dump", "SHA256SUMS"
IN_MEMORY = 1024 * 1024  # bytes of what is read at once, and for each file:
FOR_EACH = 2048
ASIDE = "before_restore"  # the schema of what the database held
UNDONE = "undone_restore"
POWERS = "execute_server_program", "read_server_files", "write_server_files"


class BackupError(Exception):
    """A backup or restore that cannot be done; the message is for the person who asked for it."""


@dataclass
class Report:
    """The contents of an archive. Sizes in bytes."""

    dump_size: int = 0
    files: int = 0
    files_size: int = 0
    missing: list[str] = field(default_factory=list)  # rows name them, the storage has them not

    def count(self, size: int) -> None:
        self.files, self.files_size = self.files + 1, self.files_size + size

    def __str__(self) -> str:
        return (
            f"database: {self.dump_size:,} bytes; files: {self.files}, {self.files_size:,} bytes; "
            f"missing: {len(self.missing)}"
        )


class _Hashed:
    """Reads through a stream and knows the checksum of what it has read."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.sha256 = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content: bytes = self.stream.read(size)
        self.sha256.update(content)
        return content


def write_backup(target: IO[bytes]) -> Report:
    """Write an archive of the database and of the files that its rows name.

    Raises BackupError when pg_dump fails or the storage does. What has been written until then has
    no SHA256SUMS, and is refused by `read_backup`.
    """
    report, sums = Report(), {}
    with _scratch() as scratch, tarfile.open(fileobj=target, mode="w|") as tar:

        def add(name: str, stream: Any, size: int) -> None:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = size, 0o600, int(datetime.now(UTC).timestamp())
            hashed = _Hashed(stream)
            tar.addfile(info, hashed)
            sums[name] = hashed.sha256.hexdigest()

        dump = scratch / DUMP
        with _snapshot() as snapshot:
            _run("pg_dump", "--format=custom", f"--snapshot={snapshot}",
                 f"--file={dump}", f"--dbname={_connection_string()}")  # fmt: skip
            names = list(dict.fromkeys(find_named_files()))
            about = json.dumps(_about()).encode()
        add(ABOUT, io.BytesIO(about), len(about))
        for name in names:
            try:
                with default_storage.open(name) as file:
                    add(FILES + name, file, file.size)
                    report.count(file.size)
            except FileNotFoundError:
                report.missing.append(name)
            except OSError as error:
                raise BackupError(f"{name} cannot be read from the storage: {error}") from error
        report.dump_size = dump.stat().st_size
        with dump.open("rb") as dumped:
            add(DUMP, dumped, report.dump_size)
        lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items()).encode()
        add(SUMS, io.BytesIO(lines), len(lines))
    return report


def read_backup(source: IO[bytes], *, replace: bool = False, trust: bool = False) -> Report:
    """Make this instance what it was when the archive was written.

    replace: remove what the database holds. Without it only an empty one is taken.
    trust: restore also as a role that may run programs on the database's server. A dump is SQL, so
    it does whatever its role may do.

    Raises BackupError, with everything as it was: when the database is not empty or is in use, its
    role may do too much, the archive is damaged, incomplete or of a newer release, or pg_restore
    fails.
    """
    if not trust:
        _refuse_powerful_role()
    _refuse_used_database()
    if not connection.introspection.table_names():
        _put_back()  # what a restore that was killed has left
    _refuse_full_database(replace)
    try:
        with _scratch() as scratch, tarfile.open(fileobj=source, mode="r|*") as tar:
            reading = _Reading(tar, scratch)
            try:
                reading.read()
                with _empty_database():
                    _run(
                        "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner",
                        "--no-privileges", f"--dbname={_connection_string()}", str(scratch / DUMP),
                    )  # fmt: skip
                    reading.exchange_files()
            except BaseException:
                reading.remove_files()
                raise
            return reading.report
    except (
        tarfile.TarError, EOFError, ValueError, LookupError, TypeError, AttributeError,
        SuspiciousOperation, RecursionError,
    ) as error:  # fmt: skip
        raise BackupError(f"The archive is damaged, or no backup: {error}") from error


class _Reading:
    """An archive while it is read. Its files are stored as they come, its dump is put aside."""

    def __init__(self, tar: tarfile.TarFile, scratch: Path) -> None:
        self.tar, self.scratch, self.report = tar, scratch, Report()
        self.sums: dict[str, str] = {}
        self.stored: list[str] = []
        self.differing: list[tuple[str, Path]] = []

    def read(self) -> None:
        """Raises BackupError unless all is there and right."""
        listed = None
        for member in self.tar:
            self.check(member)
            path = self.scratch / str(len(self.sums))
            stream = self.tar.extractfile(member)
            hashed = _Hashed(stream)
            with path.open("wb") as copy:
                shutil.copyfileobj(hashed, copy, 1024 * 1024)
            if member.name == SUMS:
                lines = path.read_text().splitlines()
                listed = {name: sha256 for sha256, name in (line.split("  ", 1) for line in lines)}
                break
            if (member.name == ABOUT) is bool(self.sums):
                raise BackupError("The archive is no backup: it does not begin with about.json.")
            self.sums[member.name] = hashed.sha256.hexdigest()
            self.take(member, path)
        if listed is None:
            raise BackupError("The archive is incomplete: its end is missing.")
        if wrong := [x for x in self.sums | listed if self.sums.get(x) != listed.get(x)]:
            raise BackupError(f"The archive is damaged: {', '.join(sorted(wrong)[:5])}.")

    def check(self, member: tarfile.TarInfo) -> None:
        """Refuse what `write_backup` does not write, before it takes the disk or the memory."""
        if not member.isreg() or member.issparse():
            raise BackupError(f"The archive has {member.name} in it, which is not a file.")
        if member.name in self.sums:
            raise BackupError(f"The archive has {member.name} in it twice.")
        if member.name in (ABOUT, SUMS):
            if member.size > IN_MEMORY + FOR_EACH * len(self.sums):
                raise BackupError(f"The archive is no backup: its {member.name} is too large.")
        elif member.size > (free := free_bytes()):
            raise BackupError(
                f"There is no room for {member.name}, which has {member.size:,} bytes: {free:,} "
                "are free where jobs work (PROCESSING_WORK_DIR)."
            )

    def take(self, member: tarfile.TarInfo, path: Path) -> None:
        if member.name == ABOUT:
            _refuse_archive(json.loads(path.read_text()))
            path.unlink()
        elif member.name == DUMP:
            self.report.dump_size = member.size
            path.rename(self.scratch / DUMP)
        else:
            self.report.count(member.size)
            self.store(member.name.removeprefix(FILES), path, self.sums[member.name])

    def store(self, name: str, path: Path, sha256: str) -> None:
        """Store a file, unless it is there. Another one under its name stays until all is known."""
        try:
            with default_storage.open(name) as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            self.stored.append(store(name, path))
        else:
            if same:
                path.unlink()
            else:
                self.differing.append((name, path))

    def exchange_files(self) -> None:
        for name, path in self.differing:
            default_storage.delete(name)
            store(name, path)

    def remove_files(self) -> None:
        for name in self.stored:
            default_storage.delete(name)


def _about() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": settings.APP_COMMIT,
        "migrations": dict(sorted(MigrationRecorder(connection).applied_migrations())),  # newest
    }


def _refuse_archive(about: dict[str, Any]) -> None:
    """A newer release may have changed tables that this one would then use the wrong way."""
    known = dict(sorted(MigrationLoader(None).disk_migrations))
    newer = [
        f"{app} {name}" for app, name in about["migrations"].items() if name > known.get(app, name)
    ]
    if about["format"] > FORMAT or newer:
        raise BackupError(
            f"The archive is of a newer release ({about['commit'] or 'commit unknown'}), which has "
            f"{', '.join(newer) or 'another format'}. Restore it with that release."
        )


def _refuse_full_database(replace: bool) -> None:
    tables = connection.introspection.table_names()
    if tables and not replace:
        raise BackupError(
            f"The database is not empty: it has {len(tables)} tables. Restore into an empty one, "
            "or give --replace (make restore REPLACE=1) to remove all that it holds."
        )


def _refuse_used_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        (others,) = cursor.fetchone()
    if others:
        raise BackupError(
            f"The database is in use by {others} other connections. Stop web, workers, beat and "
            "what watches them first."
        )


def _refuse_powerful_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, bool_or(pg_has_role(current_user, 'pg_' || power, 'MEMBER'))"
            " FROM unnest(%s::text[]) AS power",
            [list(POWERS)],
        )
        role, is_powerful = cursor.fetchone()
    if is_powerful:
        raise BackupError(
            f"The role “{role}” may run programs or use files on the server of the database, and "
            "so could the archive. Restore as a role that owns the database and nothing else "
            "(docs/deploy.md, “Backups”), or give --trust for an archive that you wrote and kept "
            "yourself."
        )


@contextmanager
def _empty_database() -> Iterator[None]:
    """Put aside what the database holds; put it back if what is done inside fails."""
    with _one_transaction() as execute:
        execute(f"DROP SCHEMA IF EXISTS {ASIDE} CASCADE")  # a restore was killed after its work
        execute(f"CREATE SCHEMA {ASIDE}")
        _move(execute, "public", ASIDE)
    connection.close()
    try:
        yield
    except BaseException:
        _put_back()
        raise
    with _one_transaction() as execute:
        execute(f"DROP SCHEMA {ASIDE} CASCADE")
    connection.close()


def _put_back() -> None:
    """Undo what a failed restore has done to the database, if one has begun."""
    with _one_transaction() as execute:
        if not execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [ASIDE]).fetchone():
            return
        execute(f"CREATE SCHEMA {UNDONE}")
        _move(execute, "public", UNDONE)
        execute(f"DROP SCHEMA {UNDONE} CASCADE")
        _move(execute, ASIDE, "public")
        execute(f"DROP SCHEMA {ASIDE}")


# What extensions have stays: constraints of the tables that are restored need it, and it belongs
# to a superuser. Sequences of columns and the like go with their tables.
_MOVABLE = """
    SELECT format('ALTER %%s %%s SET SCHEMA {to}', replace(type, ' object', ''), identity)
    FROM pg_depend AS inside, pg_identify_object(classid, objid, objsubid)
    WHERE refclassid = 'pg_namespace'::regclass AND refobjid = %s::regnamespace AND deptype = 'n'
    AND type <> 'extension' AND NOT EXISTS (
        SELECT FROM pg_depend AS needs
        WHERE needs.classid = inside.classid AND needs.objid = inside.objid
        AND (needs.deptype = 'e' OR type = 'sequence' AND needs.deptype IN ('a', 'i'))
    )"""


def _move(execute: Callable[..., Any], schema: str, to: str) -> None:
    """Move tables, views, functions and all else of a schema, but not what extensions have."""
    for (statement,) in execute(_MOVABLE.format(to=to), [schema]).fetchall():
        execute(statement)


@contextmanager
def _one_transaction() -> Iterator[Callable[..., Any]]:
    """Yield what executes statements, which may take long, all or none."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")

        def execute(statement: str, values: Any = None) -> Any:
            cursor.execute(statement, values)
            return cursor

        yield execute


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder where jobs work: that is where the room is, and on the storage's disk."""
    root = Path(settings.PROCESSING_WORK_DIR)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="backup-", dir=root) as folder:
        yield Path(folder)


@contextmanager
def _snapshot() -> Iterator[str]:
    """A state of the database that stands still, and its name for others who want to see it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def _connection_string() -> str:
    """Return the connection arguments for libpq's programs, without the password: all see them."""
    connection.ensure_connection()
    dsn: str = connection.connection.info.dsn
    return dsn


def _run(program: str, *arguments: str) -> None:
    path = shutil.which(program, path=os.environ.get("PG_BIN") or None)
    if not path:
        raise BackupError(
            f"There is no {program} here. The image has it, and so has `make backup`; elsewhere "
            "install PostgreSQL's client, or set PG_BIN to the folder of its programs."
        )
    connection.ensure_connection()
    environment = os.environ | {"PGPASSWORD": connection.connection.info.password}
    done = subprocess.run(
        [path, *arguments], env=environment, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {' '.join(done.stderr.split())[-1000:]}")
