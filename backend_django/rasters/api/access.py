"""Access to a raster: for its owner, and with a valid link."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from backend_django.processing.api.views import ProcessingView, get_result
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.utils.site import site_url

from .. import services
from ..links import raster_links, version_of
from ..models import RasterShare
from ..processor import KINDS, RasterProcessor

NO_LINK = _("This link no longer works: it has expired, or its owner has revoked it.")


class RasterView(ProcessingView):
    """Base: something of one of the caller's own completed rasters."""

    processor = RasterProcessor
    kinds: Sequence[str] = KINDS
    problems = {409: "The request is not completed"}

    def of_kind(self, rows: QuerySet[ProcessingRequest]) -> QuerySet[ProcessingRequest]:
        return rows.filter(kind__in=self.kinds)

    def find(self) -> ProcessingResult:
        return get_result(self.get_request(self.kwargs["id"]))

    def links(self, result: ProcessingResult) -> dict[str, str]:
        """Return absolute addresses with the caller's rights."""
        root = site_url(self.request._request)
        found = raster_links(
            result.request_id,
            version_of(result),
            self.kwargs.get("token"),
            kind=result.request.kind,
        )
        return {name: root + path for name, path in found.items()}


class Shared(APIView):
    """Mixin before a RasterView: the same for whoever has a link, who needs no account."""

    authentication_classes = ()
    permission_classes = [AllowAny]
    problems: dict[int, str] = {}
    share: RasterShare

    @property
    def schema_tag(self) -> str:
        return "shared-rasters"

    def find(self) -> ProcessingResult:
        share = services.share_find(self.kwargs["token"])
        if share is None:
            raise NotFound(NO_LINK)
        self.share = share
        return get_result(share.request)


class InvalidStyleError(APIException):
    status_code = 400
    default_code = "invalid_style"


class NoDownloadError(PermissionDenied):
    default_detail = _("This link doesn’t allow downloads.")
    default_code = "no_download"


def shared(view: type[RasterView]) -> type[Shared]:
    """Return the view for whoever has a link: `id` in the address becomes `token`."""
    problems = {code: words for code, words in view.problems.items() if code != 409}
    name = f"Shared{view.__name__}"
    return type(name, (Shared, view), {"__doc__": view.__doc__, "problems": problems})
