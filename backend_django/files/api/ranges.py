"""A file as a download, whole or in parts (RFC 9110 §14)."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from backend_django.api.problems import problem_response

RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
CHUNK = 256 * 1024


class Source(Protocol):
    """A source of bytes."""

    def whole(self) -> Iterable[bytes]: ...

    def part(self, start: int, length: int) -> Iterable[bytes]: ...


class LocalFile:
    """A file on this machine, which the server can send without our reading it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def whole(self) -> IO[bytes]:
        return self._path.open("rb")

    def part(self, start: int, length: int) -> Iterator[bytes]:
        chunks = self._read(start, length)
        next(chunks)  # opens the file now: what is wrong can still be said with a status code
        return chunks

    def _read(self, start: int, length: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(start)
            yield b""
            while length > 0 and (chunk := file.read(min(CHUNK, length))):
                length -= len(chunk)
                yield chunk


def _parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return (first, last) of a single range, or None when the header asks for nothing we do."""
    match = RANGE.fullmatch(header.strip())
    if not match or match[0] == "bytes=-":
        return None
    first, last = (_position(text, size) for text in match.groups())
    if first is None:
        return max(0, size - (last or 0)), size - 1
    return first, size - 1 if last is None else min(last, size - 1)


def _position(digits: str, size: int) -> int | None:
    """Read a number of any length; what is beyond the file's end is its size."""
    digits = digits.lstrip("0") or digits[:1]
    if not digits:
        return None
    return int(digits) if len(digits) <= len(str(size)) else size


def file_response(
    request: HttpRequest,
    source: Source,
    *,
    size: int,
    filename: str,
    content_type: str,
    etag: str,
) -> HttpResponseBase:
    """Answer with a file: 200, 206 for one range, 304, or 416 for a range it has not."""
    etag = f'"{etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition_header(True, filename) or "attachment",
    }
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)  # which a browser takes over

    if request.method == "HEAD":  # the server would read all of a body to throw it away
        return HttpResponse(
            content_type=content_type, headers=headers | {"Content-Length": str(size)}
        )

    wanted = _parse_range(request.headers.get("Range", ""), size)
    if wanted is None or request.headers.get("If-Range", etag) != etag:
        return FileResponse(
            source.whole(),
            as_attachment=True,
            filename=filename,
            content_type=content_type,
            headers=headers | {"Content-Length": str(size)},
        )
    first, last = wanted
    if first >= size or first > last:
        response = problem_response(
            416, "range_not_satisfiable", _("The file has %(size)s bytes.") % {"size": size}
        )
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    length = last - first + 1
    headers |= {
        "Content-Range": f"bytes {first}-{last}/{size}",
        "Content-Length": str(length),
    }
    return StreamingHttpResponse(
        source.part(first, length), status=206, content_type=content_type, headers=headers
    )
