"""What a user does with files, over each storage."""

import hashlib
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.stack import wait_for
from tests.storage.conftest import CHUNK, MB, Place, chunk_of

pytestmark = pytest.mark.slow
KIND = "wordcount/copy"
CONTENT = os.urandom(11 * MB)


def download(place: Place, request_id: str, **headers: str) -> httpx.Response:
    answer = place.api.get(f"{KIND}/download-file/{request_id}/", headers=headers)
    if place.server:
        assert answer.status_code == 302, answer.text
        # The signed address is enough, for whoever has it, and only for this file.
        answer = httpx.get(answer.headers["location"], headers=headers)
    return answer


def check_result(place: Place, request_id: str, content: bytes) -> None:
    done = place.api.wait(KIND, request_id)
    assert done["status"] == "completed", done
    digest = hashlib.sha256(content).hexdigest()
    assert place.api.get(f"{KIND}/results/{request_id}/").json() == {"sha256": digest}


def test_small_file(place: Place) -> None:
    request = place.api.create(KIND, b"one two three", "poem “1”.txt")
    check_result(place, request["id"], b"one two three")
    whole = download(place, request["id"])
    assert (whole.status_code, whole.content) == (200, b"one two three")
    assert whole.headers["content-type"] == "image/tiff"
    assert "copy%20of%20poem%20%E2%80%9C1%E2%80%9D.txt" in whole.headers["content-disposition"]
    part = download(place, request["id"], Range="bytes=4-6")
    assert part.status_code in {200, 206}  # some say 200 and mean 206
    assert (part.headers["content-range"], part.content) == ("bytes 4-6/13", b"two")
    result, upload = place.files()
    assert result == f"requests/{request['id']}/1/file"
    assert re.fullmatch(r"uploads/[0-9a-f-]{36}/upload", upload)
    assert place.api.delete(f"{KIND}/delete/{request['id']}/").status_code == 204
    assert place.files() == []


def test_large_file_in_chunks_at_once(place: Place) -> None:
    upload = place.start(KIND, CONTENT)
    assert upload["mode"] == ("direct" if place.server else "server")
    assert (upload["chunk_size"], upload["chunks"]) == (CHUNK, 3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: place.put(KIND, upload, n, chunk_of(CONTENT, n)), [3, 2, 1, 3]))
    request = place.finish(KIND, upload)
    again = place.api.post(f"{KIND}/create/", json={"upload": upload["id"]})
    assert (again.status_code, again.json()["id"]) == (200, request["id"])
    check_result(place, request["id"], CONTENT)
    assert download(place, request["id"]).content == CONTENT
    place.api.delete(f"{KIND}/delete/{request['id']}/")
    assert place.files() == []


def test_web_killed_in_the_middle_and_resumed(place: Place) -> None:
    upload = place.start(KIND, CONTENT)
    place.put(KIND, upload, 2, chunk_of(CONTENT, 2))
    with socket.create_connection(("127.0.0.1", place.stack.port)) as half:
        head = (
            f"PUT /api/v1/{KIND}/upload/{upload['id']}/parts/1/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {place.api.headers['Authorization']}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {CHUNK}\r\n\r\n"
        )
        half.sendall(head.encode() + CONTENT[: 2 * MB])
        if not place.server:
            wait_for(lambda: list(place.stack.work.glob("upload-*")), what="it arrives")
        place.stack.kill("web")
    place.stack.start("web")
    resumed = place.api.get(f"{KIND}/upload/{upload['id']}/").json()
    assert resumed["received"] == [2]
    early = place.api.post(f"{KIND}/create/", json={"upload": upload["id"]})
    assert (early.status_code, early.json()["code"]) == (409, "incomplete")
    assert "Missing chunks: 1, 3." in early.json()["detail"]
    for number in (1, 3):
        place.put(KIND, upload, number, chunk_of(CONTENT, number))
    request = place.finish(KIND, upload)
    check_result(place, request["id"], CONTENT)
    place.api.delete(f"{KIND}/delete/{request['id']}/")
    wait_for(lambda: not list(place.stack.work.glob("upload-*")), what="the half chunk is removed")
    assert place.files() == []


@pytest.mark.parametrize("end", ["deleted", "expired"])
def test_upload_that_is_given_up_leaves_nothing(place: Place, end: str) -> None:
    upload = place.start(KIND, CONTENT)
    place.put(KIND, upload, 1, chunk_of(CONTENT, 1))
    url = f"{KIND}/upload/{upload['id']}/"
    if end == "deleted":
        assert place.api.delete(url).status_code == 204
    else:
        with psycopg.connect(place.stack.environment["DATABASE_URL"]) as connection:
            connection.execute("UPDATE processing_processingupload SET expires_at = now()")
    wait_for(lambda: place.api.get(url).status_code == 404, what="it is removed")
    assert place.files() == []
    if place.server:
        assert place.server.unfinished(place.stack) == []


def test_check_finds_orphans_and_missing_files(place: Place) -> None:
    request = place.api.create(KIND, b"one")
    place.api.wait(KIND, request["id"])
    code = (
        "from django.core.files.storage import default_storage as s;"
        "from django.core.files.base import ContentFile as C;"
        f"r = 'requests/{request['id']}/';"
        "s.save(r + '7/file', C(b'x')); s.delete(r + '1/file');"
        "s.save('requests/00000000-0000-0000-0000-000000000000/input/upload', C(b'x'));"
        "s.save('uploads/00000000-0000-0000-0000-000000000000/upload', C(b'x'))"
    )
    place.stack.manage("shell", "-c", code)
    with pytest.raises(AssertionError) as told:
        place.stack.manage("processing_check", "--min-age=0", "--repair")
    for line in (
        f"orphan in the storage: requests/{request['id']}/7\n",
        "orphan in the storage: requests/00000000-0000-0000-0000-000000000000\n",
        "orphan in the storage: uploads/00000000-0000-0000-0000-000000000000\n",
        f"missing: requests/{request['id']}/1/file\n",
        "3 orphans removed, 1 files missing",
    ):
        assert line in str(told.value)
    assert [name.split("/")[0] for name in place.files()] == ["uploads"]
    place.api.delete(f"{KIND}/delete/{request['id']}/")
