"""Rows for tests, of the values that the API takes."""

from collections.abc import Iterator
from itertools import count
from typing import Any, TypeVar

from django.core.files.base import ContentFile
from django.db.models import Model
from rest_framework.test import APIClient

from backend_django.uploads.rows import files_keep
from backend_django.uploads.services import upload_store
from backend_django.users.models import User

M = TypeVar("M", bound=Model)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478"
    "9c6360606060000000050001a5f645400000000049454e44ae426082"
)
# As a browser takes them.
PICTURE: Any = {"name": "picture.png", "mimeType": "image/png", "buffer": PNG}
TEXT: Any = {"name": "text.txt", "mimeType": "text/plain", "buffer": b"first"}
_numbers: Iterator[int] = count(1)


def unique(text: str) -> str:
    """Return a text that no other row has."""
    return f"{text}{next(_numbers)}"


def make_row(model: type[M], owner: User, values: dict[str, Any]) -> M:
    """Create a row without asking the API; of a model without owners it belongs to nobody."""
    many = {field.name for field in model._meta.many_to_many}
    columns = {field.name: field.attname for field in model._meta.concrete_fields}
    own = {"owner": owner} if "owner" in columns else {}
    row = model(**own, **{columns[n]: value for n, value in values.items() if n not in many})
    row.save(force_insert=True)
    for name in many & values.keys():
        getattr(row, name).set(values[name])
    files_keep(row=row)
    return row


def make_file(owner: User, kind: str, name: str = "picture.png", content: bytes = PNG) -> str:
    """Return the id of an upload that has arrived."""
    file = ContentFile(content, name)
    upload = upload_store(owner=owner, kind=kind, file=file)
    upload.chunk_size, upload.received = len(content), [1]
    upload.save()
    return str(upload.id)


def signed_in(user: User) -> APIClient:
    """Return a client that acts for somebody."""
    made = APIClient()
    made.force_authenticate(user)
    return made
