"""The OpenAPI document and a page to read and try it, for those who may."""

from functools import cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend_django.utils.staff import acts_as_staff


class MayReadDocument(BasePermission):
    """Whom API_DOCS_FOR names: "staff", or everybody who is "signed-in"."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if settings.API_DOCS_FOR == "signed-in":
            return bool(user and user.is_authenticated)
        return acts_as_staff(user)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document: the same for everybody who may read it."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    found["info"]["title"] = settings.PROJECT.name
    return found


class DocumentView(APIView):
    """The document as JSON."""

    permission_classes = [MayReadDocument]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document())


class PageQuery(serializers.Serializer[Any]):
    """`script` asks for the page's own script, which the policy does not allow inside of it."""

    script = serializers.CharField(required=False, allow_blank=True)


class DocumentPage(SpectacularSwaggerSplitView):
    """Swagger UI, from our own address. A stranger is sent to sign in."""

    permission_classes = [MayReadDocument]
    template_name = "api/docs.html"
    title = settings.PROJECT.name
    renderer_classes = [TemplateHTMLRenderer]
    query_serializer = PageQuery
    url_name = "api-document"

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        if isinstance(exc, NotAuthenticated):
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?next={quote(reverse('api-docs'))}")
        return super().handle_exception(exc)
