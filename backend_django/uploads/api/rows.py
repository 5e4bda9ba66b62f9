"""Files of rows over the wire: an upload is named by its id, and downloaded below the row."""

import mimetypes
import re
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from backend_django.api.serializers import RelatedField
from backend_django.files.api.downloads import SendsFile, describe_download, respond_with_file
from backend_django.files.refs import FileRef
from backend_django.files.storage import stream_file
from backend_django.utils.errors import NotFound

from ..models import Upload
from ..queries import uploads_of_kind
from ..services import chunks_finish

# How the pictures begin that browsers show, and that no script is in.
IMAGES = {
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/jpeg": rb"\xff\xd8\xff",
    "image/gif": rb"GIF8[79]a",
    "image/webp": rb"RIFF....WEBP",
}


class UploadField(RelatedField):
    """The id of an upload that is complete, and that nothing but this row uses.

    Args:
        kind: what it was uploaded for.
        image: whether it has to be a picture that browsers show.
    """

    default_error_messages = {
        "taken": _("Something else uses this file. Upload it again."),
        "image": _("Must be a PNG, JPEG, GIF or WebP image."),
    }

    def __init__(self, *, kind: str, image: bool = False, **options: Any) -> None:
        self.image = image
        super().__init__(queryset=uploads_of_kind(kind), **options)

    def to_internal_value(self, data: Any) -> Upload:
        row = getattr(self.root, "instance", None)
        now: Upload | None = getattr(row, str(self.source), None) if row is not None else None
        if now and str(now.pk) == str(data):
            return now
        upload: Upload = super().to_internal_value(data)
        if upload.held_by is not None:
            self.fail("taken")
        chunks_finish(upload=upload)
        if self.image and not image_type(upload):
            self.fail("image")
        return upload


def image_type(upload: Upload) -> str:
    """Return the media type of a picture, by how it begins; "" for anything else."""
    first = next(iter(stream_file(_ref(upload))), b"")
    return next((kind for kind, form in IMAGES.items() if re.match(form, first, re.DOTALL)), "")


class FileView(SendsFile):
    """After the view of a model: the download of one of its files, which `field` names."""

    field = ""
    prefix = ""  # of its operation ids
    problems = {416: "The file has no such range", 503: "The storage is not responding"}

    @property
    def schema_action(self) -> str:
        return f"{self.prefix}download_{self.field}"

    @describe_download
    def get(self, request: Request, id: UUID) -> HttpResponseBase:
        """Download the file, or the part of it that a Range header names."""
        upload: Upload | None = getattr(self.get_object(), self.field)
        if upload is None:
            raise NotFound("There is no such file.")
        return respond_with_file(request._request, _ref(upload))


def _ref(upload: Upload) -> FileRef:
    kind = mimetypes.guess_type(upload.name)[0] or ""
    return {
        "name": upload.file_name,
        "filename": upload.name,
        "size": upload.size,
        "content_type": kind if kind in IMAGES else "application/octet-stream",
    }
