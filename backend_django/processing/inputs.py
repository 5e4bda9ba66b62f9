"""The inputs of a request: uploaded files, or files that an earlier request made.

A processor declares its inputs. Who creates a request names a source for each, and the request
keeps what the sources came to: files in the storage.
"""

import fnmatch
import mimetypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.core.files import File

from backend_django.files.refs import FileRef
from backend_django.uploads.models import Upload
from backend_django.uploads.queries import uploads_of_kind
from backend_django.uploads.services import GONE, chunks_finish, upload_discard, upload_store
from backend_django.users.models import User
from backend_django.utils.errors import Conflict, Invalid, NotFound
from backend_django.utils.messages import Message
from backend_django.utils.text import clean_label

from .models import ProcessingRequest
from .queries import requests_of

RESULT_GONE = Message("There is no such result. It may have been deleted.")


@dataclass(frozen=True)
class Input:
    """One input of a job, by default a file that must be uploaded.

    Args:
        required: whether a request without it is refused.
        many: whether it may be several files, which `Context.files` gives.
        most: how many, then.
        accept: what may be uploaded, as media types and extensions (`image/*`, `.csv`); all when
            empty. It is judged by the file's name: `validate` looks into the file.
        result_of: the kind of request whose result may be named instead of an upload, or several.
        file: the file of that result, a key of `Output.files`.
        url: whether a public address may be named, from which the worker fetches the file.
        label: what people read beside it.
    """

    required: bool = True
    many: bool = False
    most: int = 100
    accept: Sequence[str] = ()
    result_of: str | Sequence[str] = ()
    file: str = ""
    url: bool = False
    label: str = Message("File")

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of requests whose results may be named."""
        return (self.result_of,) if isinstance(self.result_of, str) else self.result_of

    def accepts(self, filename: str) -> bool:
        """Return whether a file of this name may be uploaded."""
        media_type = mimetypes.guess_type(filename)[0] or ""
        return not self.accept or any(
            filename.lower().endswith(wanted.lower())
            if wanted.startswith(".")
            else fnmatch.fnmatch(media_type, wanted)
            for wanted in self.accept
        )


def refusal(declared: Input) -> str:
    """Say what an input accepts to somebody who sent something else."""
    return Message(
        "This takes only files of these kinds: %(accept)s.", accept=", ".join(declared.accept)
    )


@dataclass(frozen=True)
class UploadSource:
    """An upload that came in chunks, all of which are there."""

    upload_id: UUID


@dataclass(frozen=True)
class ResultSource:
    """A file of the result of an earlier request; its key is the one that the input declares."""

    request_id: UUID


@dataclass(frozen=True)
class UrlSource:
    """A file elsewhere, which the worker fetches when the request begins."""

    url: str


Source = File | UploadSource | ResultSource | UrlSource
Sources = Mapping[str, Sequence[Source]]


class InputFrom(TypedDict, total=False):
    """The origin of a request's file."""

    upload: str
    request: str
    file: str
    url: str


class InputRef(FileRef):
    """A file that a request works on, as it stands in `ProcessingRequest.inputs`."""

    source: NotRequired[InputFrom]


@dataclass
class Resolved:
    """Sources that were found, ready to be held by a request."""

    files: dict[str, list[InputRef]] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)
    requests: list[UUID] = field(default_factory=list)


@contextmanager
def resolve_sources(
    *, owner: User, kind: str, declared: Mapping[str, Input], sources: Sources
) -> Iterator[Resolved]:
    """Find what each source names, and store the files that came with the call.

    Those files are removed if the block fails.

    Raises:
        NotFound: the owner has no such upload or result.
        Conflict: chunks of an upload are missing, or a result is not completed.
        Invalid: an upload has a name that the input does not accept.
    """
    found = Resolved()
    try:
        _resolve(owner, kind, declared, sources, _results_named(owner, [sources]), found)
        yield found
    except BaseException:
        for upload in found.uploads:
            if upload.chunk_size is None:
                upload_discard(upload=upload)
        raise


def resolve_each(
    *, owner: User, kind: str, declared: Mapping[str, Input], sources: Sequence[Sources]
) -> list[Resolved]:
    """Find what the sources of many requests name. None of them is a file that comes with the call.

    Raises:
        Invalid: some are not there, or not yet; it says of which requests, by their index.
    """
    results = _results_named(owner, sources)
    each: list[Resolved] = []
    errors: dict[str, str] = {}
    for index, own in enumerate(sources):
        each.append(Resolved())
        try:
            _resolve(owner, kind, declared, own, results, each[-1])
        except Invalid as error:
            fields = error.fields or {}
            errors |= {f"requests.{index}.{key}": text for key, text in fields.items()}
        except (NotFound, Conflict) as error:
            errors[f"requests.{index}"] = error.message
    if errors:
        raise Invalid(fields=errors)
    return each


def _resolve(
    owner: User,
    kind: str,
    declared: Mapping[str, Input],
    sources: Sources,
    results: Mapping[UUID, ProcessingRequest],
    found: Resolved,
) -> None:
    for key, named in sources.items():
        files = found.files.setdefault(key, [])
        for source in named:
            if isinstance(source, ResultSource):
                files.append(_result_file(declared[key], results.get(source.request_id)))
                found.requests.append(source.request_id)
            elif isinstance(source, UrlSource):
                files.append(_url_file(source.url))
            else:
                upload = _find_named_before(source, found) or _upload(owner, kind, source)
                if upload not in found.uploads:
                    found.uploads.append(upload)
                if not declared[key].accepts(upload.name):
                    raise Invalid(fields={key: refusal(declared[key])})
                files.append(_upload_file(upload))


def _find_named_before(source: Source, found: Resolved) -> Upload | None:
    """Return the upload that another input of the request has named: one request holds it."""
    if not isinstance(source, UploadSource):
        return None
    return next((upload for upload in found.uploads if upload.id == source.upload_id), None)


def _upload_file(upload: Upload) -> InputRef:
    return {
        "name": upload.file_name,
        "filename": upload.name,
        "size": upload.size,
        "source": {"upload": str(upload.id)},
    }


def _url_file(url: str) -> InputRef:
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    return {"name": "", "filename": clean_label(name or "file"), "size": 0, "source": {"url": url}}


def _upload(owner: User, kind: str, source: File | UploadSource) -> Upload:
    if isinstance(source, File):
        return upload_store(owner=owner, kind=kind, file=source)
    upload = uploads_of_kind(kind).filter(owner=owner, id=source.upload_id).first()
    if upload is None:
        raise NotFound(GONE)
    if upload.held_by is None:
        chunks_finish(upload=upload)
    return upload


def _results_named(owner: User, each: Sequence[Sources]) -> dict[UUID, ProcessingRequest]:
    """Return the requests whose results are among the sources, in one query at most."""
    every = (source for sources in each for named in sources.values() for source in named)
    ids = {source.request_id for source in every if isinstance(source, ResultSource)}
    rows = requests_of(owner).filter(id__in=ids).select_related("result")
    return {row.id: row for row in rows} if ids else {}


def _result_file(declared: Input, earlier: ProcessingRequest | None) -> InputRef:
    if earlier is None or earlier.kind not in declared.kinds:
        raise NotFound(RESULT_GONE)
    if earlier.status != ProcessingRequest.Status.COMPLETED:
        raise Conflict(
            Message(
                "%(name)s has no result yet: it is %(status)s.",
                name=earlier.name,
                status=Message(earlier.status),
            ),
            earlier.status,
        )
    if declared.file not in earlier.result.files:
        raise NotFound(RESULT_GONE)
    file: FileRef = earlier.result.files[declared.file]
    return {**file, "source": {"request": str(earlier.id), "file": declared.file}}


def input_refs(request: ProcessingRequest) -> dict[str, list[InputRef]]:
    """Return the files that a request works on, by input."""
    if not request.inputs and request.input_file:  # made before requests had inputs
        return {
            "file": [
                {
                    "name": request.input_file,
                    "filename": request.input_name,
                    "size": request.input_size,
                }
            ]
        }
    return request.inputs


def summary(files: Mapping[str, Iterable[InputRef]]) -> dict[str, str | int]:
    """Return the columns of a request that tell of its files."""
    every = [file for several in files.values() for file in several]
    first: FileRef = every[0] if every else {"name": "", "filename": "", "size": 0}
    return {
        "input_file": first["name"],
        "input_name": first["filename"],
        "input_size": sum(file["size"] for file in every),
    }
