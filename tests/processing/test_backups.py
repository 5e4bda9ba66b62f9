"""A backup of an instance at work, restored into another one: real servers, real programs."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from scripts.binaries import find_postgres
from tests.matrix import matrix
from tests.stack import ADMIN, ROOT, Api, Stack

pytestmark = [pytest.mark.slow, pytest.mark.matrix]
TEXTS = [b"one two three\n", "é ".encode() * 1_000]
Change = Callable[[dict[str, bytes]], None]


def manage(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=stack.environment | {"PG_BIN": str(find_postgres())},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def archive(stack: Stack, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written while others go on submitting."""
    for text in TEXTS:
        api.wait("wordcount", api.create("wordcount", text)["id"])
    target, enough = tmp_path_factory.mktemp("backup") / "backup.tar", threading.Event()

    def go_on() -> None:
        with stack.client() as other:
            while not enough.is_set():
                other.wait("wordcount", other.create("wordcount", TEXTS[0])["id"])

    others = threading.Thread(target=go_on)
    others.start()
    try:
        done = manage(stack, "backup", str(target))
    finally:
        enough.set()
        others.join()
    assert done.returncode == 0, done.stderr
    assert "missing: 0" in done.stderr
    return target


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Stack]:
    """An instance with a new database and no file, not running."""
    url, name = os.environ["DATABASE_URL"], f"restored_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        made = Stack(tmp_path / "empty", url.rsplit("/", 1)[0] + f"/{name}")
        yield made
        made.stop()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def tables(stack: Stack) -> int:
    query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)


def rules(stack: Stack) -> list[tuple[str, str]]:
    """What the database checks, and the extensions that it needs for that."""
    query = """
        SELECT conname::text, contype::text FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION SELECT extname::text, extnamespace::regnamespace::text FROM pg_extension
        ORDER BY 1, 2"""
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        return connection.execute(query).fetchall()


def files(stack: Stack) -> set[Path]:
    return {path for path in stack.media.rglob("*") if path.is_file()}


def contents(api: Api, known: list[str]) -> dict[str, object]:
    """What a user gets of these requests: the row, the result, the bytes of the download."""
    found: dict[str, object] = {}
    for request_id in known:
        row, result = api.status("wordcount", request_id), None
        if row["status"] == "completed":
            result = api.get(f"wordcount/results/{request_id}/").json()
            path = result.pop("download_url", None)
            if path:
                content = api.get(str(api.base_url.join(path))).content
                result["downloaded"] = hashlib.sha256(content).hexdigest()
                assert result["downloaded"] == result.get("sha256", result["downloaded"])
        found[request_id] = row, result
    return found


def completed(stack: Stack) -> list[str]:
    """Return the ids of the superuser's requests; other tests of a stack make others."""
    query = f"""
        SELECT request.id::text FROM processing_processingrequest request
        JOIN users_user owner ON owner.id = request.owner_id
        WHERE status = 'completed' AND kind = 'wordcount' AND email = '{ADMIN["email"]}'"""
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


def test_anybody_can_check_it_and_only_its_owner_read_it(archive: Path, tmp_path: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    subprocess.run(["tar", "--extract", "--file", str(archive)], cwd=tmp_path, check=True)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "about.json").read_text())["format"] == 1


@pytest.fixture
def poisoned(empty: Stack, tmp_path: Path) -> tuple[Path, Path]:
    """An archive whose dump runs a program as it is restored, and what the program makes."""
    # Where the server's own user may write, who is not that of the tests.
    mark = Path(tempfile.gettempdir()) / f"pwned-{uuid4().hex}"
    name = urlsplit(empty.environment["DATABASE_URL"]).path
    superuser = urlsplit(os.environ["TESTS_SUPERUSER_URL"])._replace(path=name).geturl()
    empty.manage("migrate", "-v0")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION run() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
            f" COPY (SELECT 1) TO PROGRAM 'cat > {mark}'; RETURN 1; END $$;"
            "CREATE MATERIALIZED VIEW view AS SELECT run();"
            "ALTER MATERIALIZED VIEW view OWNER TO app; ALTER FUNCTION run OWNER TO app"
        )
    assert mark.exists(), "so it would do with the rights for it"
    mark.unlink()
    archive = tmp_path / "poisoned.tar"
    assert manage(empty, "backup", str(archive)).returncode == 0
    return archive, mark


def test_an_archive_runs_no_program_on_the_server(
    empty: Stack, poisoned: tuple[Path, Path]
) -> None:
    archive, mark = poisoned
    empty.manage("setup")
    there = tables(empty)
    done = manage(empty, "restore", "--replace", str(archive))
    assert done.returncode != 0
    assert "permission denied to COPY to or from an external program" in done.stderr
    assert not mark.exists()
    assert tables(empty) == there
    empty.start("web")  # with the account that was there
    with empty.client() as client:
        assert client.get("auth/user/").status_code == 200


def test_a_superuser_restores_what_it_trusts_only(archive: Path, empty: Stack) -> None:
    name = urlsplit(empty.environment["DATABASE_URL"]).path
    superuser = urlsplit(os.environ["TESTS_SUPERUSER_URL"])._replace(path=name).geturl()
    empty.environment["DATABASE_URL"] = superuser
    done = manage(empty, "restore", str(archive))
    assert done.returncode != 0
    assert "The role “postgres” may run programs" in done.stderr
    assert tables(empty) == 0
    assert manage(empty, "restore", "--trust", str(archive)).returncode == 0


def test_a_restored_instance_has_the_same_requests_and_files(
    stack: Stack, api: Api, archive: Path, empty: Stack
) -> None:
    done = manage(empty, "restore", str(archive))
    assert done.returncode == 0, done.stderr
    known = completed(empty)
    assert len(known) >= 2
    assert manage(empty, "processing_check", "--min-age=0").stdout.startswith("0 orphans")
    empty.start("web")
    with empty.client() as restored:
        assert contents(restored, known) == contents(api, known)
    assert not list(empty.work.glob("backup-*"))


def rewritten(archive: Path, target: Path, change: Change) -> Path:
    """The archive with other members."""
    with tarfile.open(archive) as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    change(members)
    with tarfile.open(target, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return target


def other_byte(members: dict[str, bytes]) -> None:
    name = next(name for name in members if name.startswith("files/"))
    members[name] = b"x" + members[name][1:]


def other_dump(members: dict[str, bytes]) -> None:
    """One that begins as it should, with the right checksum."""
    members["database.dump"] = members["database.dump"][:-1000]
    sums = members.pop("SHA256SUMS").decode().splitlines()[:-1]
    sums.append(f"{hashlib.sha256(members['database.dump']).hexdigest()}  database.dump")
    members["SHA256SUMS"] = "\n".join(sums).encode()


def newer(members: dict[str, bytes]) -> None:
    about = json.loads(members["about.json"])
    about["migrations"]["processing"] = "9999_from_the_future"
    members["about.json"] = json.dumps(about).encode()


def without_end(members: dict[str, bytes]) -> None:
    del members["SHA256SUMS"]


def nonsense(members: dict[str, bytes]) -> None:
    members["about.json"] = b"[]"


def outside(members: dict[str, bytes]) -> None:
    members |= {"files/../../escaped": b"x", "SHA256SUMS": members.pop("SHA256SUMS")}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (other_byte, "The archive is damaged: files/"),
        matrix(without_end, "The archive is incomplete: its end is missing."),
        (newer, "which has processing 9999_from_the_future. Restore it with that release."),
        matrix(outside, "escaped"),
        matrix(nonsense, "The archive is damaged, or no backup"),
    ],
)
def test_a_wrong_archive_changes_nothing(
    archive: Path, empty: Stack, tmp_path: Path, change: Change, sentence: str
) -> None:
    wrong = rewritten(archive, tmp_path / "wrong.tar", change)
    done = manage(empty, "restore", str(wrong))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert (tables(empty), files(empty)) == (0, set())
    assert not list(tmp_path.rglob("escaped"))


def test_a_member_that_backup_does_not_write_is_refused(
    archive: Path, empty: Stack, tmp_path: Path
) -> None:
    """In one process each: only its sentence is looked at."""
    (tmp_path / "secret").write_text("a secret")
    link, hard, device = (tarfile.TarInfo(f"files/{name}") for name in ("link", "hard", "device"))
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
    hard.type, hard.linkname = tarfile.LNKTYPE, "about.json"
    device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 5  # /dev/zero
    huge, sums = tarfile.TarInfo("files/huge"), tarfile.TarInfo("SHA256SUMS")
    huge.size, sums.size = 10**18, 10**9
    sparse = tarfile.TarInfo("files/sparse")
    sparse.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "files/sparse",
        "GNU.sparse.realsize": str(10**18),
    }
    sparse.size = 512
    again = tarfile.TarInfo("about.json")
    for member, sentence in [
        (link, "files/link in it, which is not a file"),
        (hard, "files/hard in it, which is not a file"),
        (device, "files/device in it, which is not a file"),
        (sparse, "files/sparse in it, which is not a file"),
        (again, "about.json in it twice"),
        (huge, "There is no room for files/huge"),
        (sums, "its SHA256SUMS is too large"),
    ]:  # fmt: skip
        with tarfile.open(archive) as source:
            about = source.extractfile("about.json").read()  # type: ignore[union-attr]
        wrong = tmp_path / "wrong.tar"
        with tarfile.open(wrong, "w") as tar:
            first = tarfile.TarInfo("about.json")
            first.size = len(about)
            tar.addfile(first, io.BytesIO(about))
            body = b"1\n0\n1\n".ljust(512, b"\0") if member is sparse else bytes(512)
            # Written by hand: addfile would read all of what is said to be there.
            tar.fileobj.write(member.tobuf(tarfile.PAX_FORMAT) + body)
        done = manage(empty, "restore", str(wrong))
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    assert (tables(empty), files(empty)) == (0, set())


def test_a_torn_archive_changes_nothing(archive: Path, empty: Stack, tmp_path: Path) -> None:
    torn = tmp_path / "torn.tar"
    torn.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    done = manage(empty, "restore", str(torn))
    assert done.returncode == 1
    assert "CommandError: The archive is damaged" in done.stderr
    assert (tables(empty), files(empty)) == (0, set())


def test_what_is_there_is_removed_only_when_told(
    archive: Path, empty: Stack, tmp_path: Path
) -> None:
    empty.manage("setup")
    refused = manage(empty, "restore", str(archive))
    assert refused.returncode == 1
    assert "The database is not empty" in refused.stderr
    checked = rules(empty)
    assert manage(empty, "restore", str(archive), "--replace").returncode == 0
    assert rules(empty) == checked
    known, kept = completed(empty), files(empty)
    assert known

    # What a restore has left that was killed when all but its end was done.
    with psycopg.connect(empty.environment["DATABASE_URL"]) as connection:
        connection.execute("CREATE SCHEMA before_restore; CREATE TABLE before_restore.old (id int)")
    assert "is not empty" in manage(empty, "restore", str(archive)).stderr
    assert (completed(empty), rules(empty)) == (known, checked)

    with psycopg.connect(empty.environment["DATABASE_URL"]):
        used = manage(empty, "restore", str(archive), "--replace")
    assert used.returncode == 1
    assert "in use by 1 other connections" in used.stderr

    # Into the instance it comes from: a damaged one takes none of the files that are there.
    wrong = rewritten(archive, tmp_path / "wrong.tar", other_byte)
    assert manage(empty, "restore", str(wrong), "--replace").returncode == 1
    assert (completed(empty), files(empty), rules(empty)) == (known, kept, checked)
    dump = rewritten(archive, tmp_path / "dump.tar", other_dump)
    failed = manage(empty, "restore", str(dump), "--replace")
    assert "pg_restore failed" in failed.stderr
    assert (completed(empty), files(empty), rules(empty)) == (known, kept, checked)
    assert manage(empty, "processing_check", "--min-age=0").stdout.startswith("0 orphans")


def test_a_missing_file_is_reported(archive: Path, empty: Stack, tmp_path: Path) -> None:
    assert manage(empty, "restore", str(archive)).returncode == 0
    gone = sorted(files(empty))[0]
    gone.unlink()
    done = manage(empty, "backup", str(tmp_path / "again.tar"))
    assert done.returncode == 0
    assert f"missing in the storage: {gone.relative_to(empty.media)}" in done.stderr
    assert "missing: 1" in done.stderr
    again = manage(empty, "backup", str(tmp_path / "again.tar"))
    assert (again.returncode, "exists. Give another name" in again.stderr) == (1, True)
