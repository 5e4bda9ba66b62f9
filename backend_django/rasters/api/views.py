"""Endpoints of a raster: descriptions for other programs, values, links, map copy."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import read_query, takes_no_body
from backend_django.files.api.downloads import readable, respond_with_file
from backend_django.policies import Action
from backend_django.processing.api.serializers import ProcessingRequestSerializer
from backend_django.processing.api.views import get_result
from backend_django.processing.models import ProcessingRequest
from backend_django.utils.messages import Message
from backend_django.utils.site import page_url
from backend_django.utils.translation import translate

from .. import documents, services
from ..links import present_result, version_of
from ..models import RasterMapCopy
from ..styles import StyleError, parse_style
from .access import InvalidStyleError, NoDownloadError, RasterView, Shared
from .parameters import RasterOptionsSerializer
from .serializers import (
    CreatedShareSerializer,
    CrsQuery,
    CrsSerializer,
    DescriptionSerializer,
    MapCopySerializer,
    PointSerializer,
    PointValuesSerializer,
    PreviewQuery,
    ProfileSerializer,
    ProfileValuesSerializer,
    RasterResultSerializer,
    ShareCreateSerializer,
    SharedRasterSerializer,
    ShareSerializer,
    StatisticsQuery,
    StatisticsSerializer,
    WmtsQuery,
)

FOR_EVER = "private, max-age=31536000, immutable"


class AnyTypeMixin:
    """The answer has one type, whatever is asked for."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)  # type: ignore[misc]


class PreviewView(AnyTypeMixin, RasterView):
    schema_action = "preview"
    query_serializer = PreviewQuery

    @extend_schema(responses={(200, "image/webp"): OpenApiTypes.BINARY})
    def get(self, request: Request, **kwargs: Any) -> HttpResponse:
        """A small picture of the whole raster."""
        result = self.find()
        if "preview" not in result.files:
            raise NotFound("There is no picture of this raster.")
        with readable():
            if result.data.get("revision"):  # its classes may have other colours by now
                from ..describe import draw_preview

                content = draw_preview(result.open_path("cog"), result.data["bands"])
            else:
                content = result.open_path("preview").read_bytes()
        current = read_query(self, request).get("v") == version_of(result)
        # Lists name the first version of it, and classes may get other colours.
        lasts = current and not any(band["classes"] for band in result.data["bands"])
        caching = FOR_EVER if lasts else "private, no-cache"
        return HttpResponse(content, "image/webp", headers={"Cache-Control": caching})


class StacView(AnyTypeMixin, RasterView):
    schema_action = "stac"

    @extend_schema(responses={(200, "application/geo+json"): OpenApiTypes.OBJECT})
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The raster as a STAC Item."""
        result = self.find()
        item = documents.stac_item(result, self.links(result))
        return Response(item, content_type="application/geo+json")


class TileJsonView(RasterView):
    schema_action = "tilejson"

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The raster's tiles as a TileJSON document."""
        result = self.find()
        return Response(documents.tilejson(result, self.links(result)))


class WmtsView(AnyTypeMixin, RasterView):
    schema_action = "wmts"
    query_serializer = WmtsQuery

    @extend_schema(responses={(200, "application/xml"): OpenApiTypes.STR})
    def get(self, request: Request, **kwargs: Any) -> HttpResponse:
        """WMTS capabilities of the raster's tiles, for desktop programs."""
        result = self.find()
        text = documents.wmts_capabilities(result, self.links(result))
        return HttpResponse(text, content_type="application/xml; charset=utf-8")


class PointView(RasterView):
    schema_action = "point"
    query_serializer = PointSerializer

    @extend_schema(responses=PointValuesSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The value of each band at a place."""
        query = read_query(self, request)
        result = self.find()
        from ..values import point_values

        place = query["longitude"], query["latitude"]
        with readable():
            found = point_values(result.open_path("cog"), *place)
        return Response({**query, "values": found})


class ProfileView(RasterView):
    schema_action = "profile"
    query_serializer = ProfileSerializer

    @extend_schema(responses=ProfileValuesSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The values of a band along a line."""
        query = read_query(self, request)
        result = self.find()
        from ..values import line_values

        band, samples = query["band"], query["samples"]
        if band > len(result.data["bands"]):
            raise NotFound("The raster has no such band.")
        line = query["line"]
        with readable():
            length, values = line_values(result.open_path("cog"), line, band, samples)
        return Response({"band": band, "length": length, "values": values})


class StatisticsView(RasterView):
    schema_action = "statistics"
    query_serializer = StatisticsQuery
    problems = RasterView.problems | {400: "It cannot be computed of this raster"}

    @extend_schema(responses=StatisticsSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Range and histogram of what tiles compute: an expression or an algorithm.

        They are of an overview of about 1024 pixels.
        """
        query = read_query(self, request)
        result = self.find()
        wanted = {name: value for name, value in query.items() if value}
        if not {"expression", "algorithm"} & wanted.keys():
            raise InvalidStyleError(Message("Name an expression or an algorithm."))
        try:
            style = parse_style(wanted, result.data["bands"])
        except StyleError as error:
            raise InvalidStyleError(f"{error.field}: {translate(error.message)}") from None
        from ..values import derive_statistics

        with readable():
            found = derive_statistics(result.open_path("cog"), style)
        return Response(found)


class AmendView(RasterView):
    schema_action = "amend"
    kinds = ("rasters",)
    request_serializer_class = RasterOptionsSerializer
    problems = {409: "It neither failed nor was cancelled"}

    @extend_schema(request=RasterOptionsSerializer, responses=ProcessingRequestSerializer)
    def post(self, request: Request, id: UUID) -> Response:
        """Change some options of a raster that failed, and start it again with the same upload."""
        found = self.get_request(id)
        wanted = RasterOptionsSerializer(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        services.raster_amend(request=found, changes=dict(wanted.validated_data))
        return self.answer(found)


class DescribeView(RasterView):
    schema_action = "describe"
    request_serializer_class = DescriptionSerializer

    @extend_schema(request=DescriptionSerializer, responses=RasterResultSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Say what the file does not: when it was taken, names and colours of its classes."""
        found = get_result(self.get_request(id))
        wanted = DescriptionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        result = services.raster_describe(request=found.request, **wanted.changes)
        return Response(RasterResultSerializer(present_result(result)).data)


class CrsView(RasterView):
    schema_action = "crs"
    query_serializer = CrsQuery
    pagination_class = None
    problems: dict[int, str] = {}

    @extend_schema(responses=CrsSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Coordinate reference systems by their names, their areas or their numbers."""
        from ..crs_search import find_crs

        return Response(find_crs(read_query(self, request)["q"]))


class SharesView(RasterView):
    """Links to a raster for people without an account."""

    change_action = Action.MANAGE
    schema_action = {"get": "shares", "post": "share"}
    request_serializer_class = ShareCreateSerializer
    pagination_class = None

    @extend_schema(responses=ShareSerializer(many=True))
    def get(self, request: Request, id: UUID) -> Response:
        """The links there are, newest first; what opens them is not told."""
        shares = self.get_request(id).raster_shares.all()
        return Response(ShareSerializer(shares, many=True).data)

    @extend_schema(request=ShareCreateSerializer, responses={201: CreatedShareSerializer})
    def post(self, request: Request, id: UUID) -> Response:
        """Make a link that shows the raster to whoever has it."""
        wanted = ShareCreateSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        result = get_result(self.get_request(id))
        share, token = services.share_create(request=result.request, **wanted.validated_data)
        address = page_url(f"/shared/{token}", request._request)
        answer = {**ShareSerializer(share).data, "token": token, "url": address}
        return Response(answer, status=status.HTTP_201_CREATED)


class ShareView(RasterView):
    change_action = Action.MANAGE
    schema_action = "revoke"
    problems: dict[int, str] = {}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID, share: UUID) -> Response:
        """Revoke a link: it does not work any more."""
        found = self.get_request(id).raster_shares.filter(id=share).first()
        if found is None:
            raise NotFound("There is no such link.")
        services.share_revoke(share=found)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MapCopyView(RasterView):
    """All tiles of the raster, drawn in advance."""

    schema_action = {"get": "map_copy", "post": "map_copy_create", "delete": "map_copy_delete"}

    @extend_schema(responses=MapCopySerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Return the progress of the map copy."""
        copy = self._copy(self.get_request(id))
        return Response(_map_copy(copy.job if copy else None))

    @takes_no_body(responses={202: MapCopySerializer})
    def post(self, request: Request, id: UUID) -> Response:
        """Draw all tiles in advance; answers at once. Asking again does no harm."""
        job = services.map_copy_create(request=get_result(self.get_request(id)).request)
        return Response(_map_copy(job), status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Remove it, or stop making it. Tiles are then drawn when they are asked for."""
        copy = self._copy(self.get_request(id))
        if copy:
            services.map_copy_delete(copy=copy)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @staticmethod
    def _copy(found: ProcessingRequest) -> RasterMapCopy | None:
        return RasterMapCopy.objects.filter(raster=found).select_related("job__result").first()


def _map_copy(job: ProcessingRequest | None) -> dict[str, Any]:
    result = getattr(job, "result", None)
    return {
        "status": job.status if job else "none",
        "progress": job.progress if job else 0,
        "error_message": job.error_text if job else "",
        "tiles": result.data["tiles"] if result else None,
        "size": result.files["tiles"]["size"] if result else None,
    }


class SharedResultView(Shared, RasterView):
    schema_action = "results"

    @extend_schema(responses=SharedRasterSerializer)
    def get(self, request: Request, token: str) -> Response:
        """The raster that a link shows."""
        found = present_result(self.find(), token)
        more = {"allow_download": self.share.allow_download, "expires_at": self.share.expires_at}
        return Response(SharedRasterSerializer(found | more).data)


class SharedDownloadView(AnyTypeMixin, Shared, RasterView):
    schema_action = "download_cog"
    problems = {403: "The link does not allow it", 416: "The file has no such range"}

    @extend_schema(
        parameters=[OpenApiParameter("Range", OpenApiTypes.STR, OpenApiParameter.HEADER)],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        """Download the COG, when the link allows it."""
        result = self.find()
        if not self.share.allow_download:
            raise NoDownloadError
        return respond_with_file(request._request, result.files["cog"])
