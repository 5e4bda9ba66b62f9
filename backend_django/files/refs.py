"""Files as others know them: what a row says of one, and what a job is given and gives back."""

from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict


class FileRef(TypedDict):
    """A file in the storage, as it stands in JSON columns. Written once, never changed."""

    name: str  # in the storage
    filename: str  # what a person calls it
    size: int  # bytes
    content_type: NotRequired[str]
    sha256: NotRequired[str]


@dataclass(frozen=True)
class InputFile:
    """A file to work on. `path` has a name of our own, alone in its directory; `name` a user's."""

    path: Path
    name: str
    size: int


@dataclass(frozen=True)
class OutputFile:
    """A file of the result, made in `Context.workdir`; `filename` is what a download is called."""

    path: Path
    filename: str
    content_type: str
