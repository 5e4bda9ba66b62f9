"""The files of many results as one ZIP."""

import io
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from backend_django.files.refs import FileRef
from backend_django.processing import archives
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.users.models import User

from .many import ask, complete, make


def fetch(client: Client, **selection: Any) -> tuple[dict[str, Any], Any]:
    answer = ask(client, "download", **selection)
    return answer, client.get(answer["url"]) if answer["url"] else None


def content_of(response: Any) -> dict[str, bytes]:
    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    assert response.streaming
    with ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_archive_has_the_files_of_all_results(
    signed_in: Client, user: User, tmp_path: Path
) -> None:
    done = [complete(user, tmp_path, name, content=name.encode()) for name in ("a.txt", "b.txt")]
    waiting, without = make(user), complete(user, tmp_path, kind="wordcount")
    ids = [str(row.id) for row in (*done, waiting, without)]
    answer, response = fetch(signed_in, ids=ids)
    assert (answer["done"], answer["remaining"]) == (3, 0)
    assert [(r["code"], r["ids"]) for r in answer["refused"]] == [
        ("not_completed", [str(waiting.id)])
    ]
    assert content_of(response) == {"b.txt": b"b.txt", "a.txt": b"a.txt"}
    assert "attachment" in response["Content-Disposition"]
    assert signed_in.get(answer["url"]).status_code == 200, "a download may be begun again"


def test_nothing_to_download_is_said(signed_in: Client, user: User) -> None:
    answer, response = fetch(signed_in, filter={"kind": "wordcount"})
    assert (answer["done"], answer["url"], response) == (0, None, None)
    make(user)
    answer, _ = fetch(signed_in, filter={"kind": "wordcount"})
    assert (answer["url"], answer["refused"][0]["code"]) == (None, "not_completed")


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("../../etc/passwd", "etcpasswd"),
        ("/etc/passwd", "etcpasswd"),
        ("C:\\x\\y.txt", "Cxy.txt"),
        ("..", "_"),
        ("", "_"),
        ("con.txt", "_con.txt"),
        ("a\x01\n\u202eb.txt", "ab.txt"),
        ("trailing. ", "trailing"),
        ("Møn “2”.txt", "Møn_2.txt"),
        ("長" * 300 + ".tif", "長" * 60 + ".tif"),
    ],
)
def test_names_are_safe_wherever_they_are_unpacked(
    signed_in: Client, user: User, tmp_path: Path, filename: str, safe: str
) -> None:
    done = complete(user, tmp_path, "x", content=b"x")
    ProcessingResult.objects.filter(request=done).update(
        files={"report": done.result.files["report"] | {"filename": filename}}
    )
    _, response = fetch(signed_in, ids=[str(done.id)])
    assert content_of(response) == {safe: b"x"}


def test_every_name_is_there_once(
    signed_in: Client, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(complete(user, tmp_path, name, content=b"x").id)
           for name in ("a.txt", "A.TXT", "a.txt", "a_2.txt")]  # fmt: skip
    _, response = fetch(signed_in, ids=ids)
    assert len({name.casefold() for name in content_of(response)}) == 4
    monkeypatch.setattr(archives.get_processor("wordcount"), "downloads", ("report", "more1"))
    two = [str(complete(user, tmp_path, "r.txt", "s.txt", name="Report", content=b"x").id)
           for _ in range(2)]  # fmt: skip
    _, response = fetch(signed_in, ids=two)
    assert sorted(content_of(response)) == [
        "Report/r.txt", "Report/s.txt", "Report_2/r.txt", "Report_2/s.txt",
    ]  # fmt: skip


def failing(bytes_before: int) -> Any:
    real = archives.stream_file

    def stream(file: FileRef) -> Iterator[bytes]:
        if file["filename"] != "broken.txt":
            yield from real(file)
            return
        yield from [b"x" * bytes_before] if bytes_before else []
        raise OSError("the storage went away")

    return stream


@pytest.mark.parametrize("bytes_before", [0, 100_000])
def test_file_that_fails_is_named_and_the_others_are_whole(
    signed_in: Client, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    bytes_before: int,
) -> None:  # fmt: skip
    names = ("first.txt", "broken.txt", "last.txt")
    ids = [str(complete(user, tmp_path, name).id) for name in names]
    gone = complete(user, tmp_path, "gone.txt")
    answer, _ = fetch(signed_in, ids=[*ids, str(gone.id)])
    ProcessingRequest.objects.filter(id=gone.id).delete()
    monkeypatch.setattr(archives, "stream_file", failing(bytes_before))
    content = content_of(signed_in.get(answer["url"]))
    notes = content.pop("NOT_COMPLETE.txt").decode()
    assert f"broken.txt: {bytes_before} of 600000 bytes." in notes
    assert f"{gone.id}: the request was deleted" in notes
    assert len(content.pop("broken.txt", b"")) == bytes_before
    assert content == dict.fromkeys(("first.txt", "last.txt"), b"words\n" * 100_000)


def test_storage_that_is_away_is_not_asked_for_every_file(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [complete(user, tmp_path, "broken.txt").id for _ in range(5)]
    monkeypatch.setattr(archives, "stream_file", failing(0))
    with ZipFile(io.BytesIO(b"".join(archives.archive_write(ids)))) as archive:
        notes = archive.read("NOT_COMPLETE.txt").decode()
    assert notes.count("0 of 600000 bytes") == 3
    assert "The storage does not respond: 2 more requests." in notes


def test_file_that_was_cut_short_is_named(signed_in: Client, user: User, tmp_path: Path) -> None:
    done = complete(user, tmp_path, "a.txt")
    Path(default_storage.path(done.result.files["report"]["name"])).write_bytes(b"short")
    _, response = fetch(signed_in, ids=[str(done.id)])
    assert "a.txt: 5 of 600000 bytes." in content_of(response)["NOT_COMPLETE.txt"].decode()


def test_archive_is_made_in_pieces(user: User, tmp_path: Path) -> None:
    done = complete(user, tmp_path, "a.bin", content=bytes(5_000_000))
    sizes = [len(piece) for piece in archives.archive_write([done.id])]
    assert min(sizes) > 0
    assert max(sizes) < 1_000_000
    assert sum(sizes) > 5_000_000


def test_large_files_are_in_the_format_for_large_files(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size that is announced decides, as it is written before the first byte is read."""
    done = complete(user, tmp_path, "a.bin", content=b"x")
    file = done.result.files["report"] | {"size": 5 * 2**30}
    ProcessingResult.objects.filter(request=done).update(files={"report": file})
    archive = b"".join(archives.archive_write([done.id]))
    name_length, extra_length = struct.unpack_from("<HH", archive, 26)
    extra = archive[30 + name_length :][:extra_length]
    assert extra[:2] == b"\x01\x00", "of ZIP64; Python 3.11.2 says nothing else of it there"


@pytest.mark.skipif(not Path("/usr/bin/unzip").exists(), reason="there is no unzip")
def test_another_program_reads_it(user: User, tmp_path: Path) -> None:
    ids = [complete(user, tmp_path, name).id for name in ("Zählung “1”.txt", "b.txt")]
    target = tmp_path / "all.zip"
    target.write_bytes(b"".join(archives.archive_write(ids)))
    done = subprocess.run(["unzip", "-t", target], capture_output=True, text=True)
    assert (done.returncode, "No errors detected" in done.stdout) == (0, True), done.stdout


def test_archive_is_for_who_asked_for_it(
    signed_in: Client, user: User, grace: User, tmp_path: Path
) -> None:
    answer, _ = fetch(signed_in, ids=[str(complete(user, tmp_path, "a.txt").id)])
    other = Client()
    assert other.get(answer["url"]).status_code == 401
    other.force_login(grace)
    assert other.get(answer["url"]).status_code == 404


def test_client_that_goes_away_leaves_no_file_open(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = complete(user, tmp_path, "a.bin", content=bytes(5_000_000))
    closed: list[bool] = []

    def stream(file: FileRef) -> Iterator[bytes]:
        try:
            yield from archives_stream(file)
        finally:
            closed.append(True)

    archives_stream = archives.stream_file
    monkeypatch.setattr(archives, "stream_file", stream)
    pieces = archives.archive_write([done.id])
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert closed == [True]
