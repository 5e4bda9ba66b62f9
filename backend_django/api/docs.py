"""The OpenAPI document and a page to read and try it, for those who may."""

from functools import cache
from typing import Any
from urllib.parse import quote

from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
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


def may_read_document(request: HttpRequest | Request) -> bool:
    """Return whether API_DOCS_FOR and API_DOCS_DOMAINS name who calls.

    Raises:
        Denied: they are staff, but something is missing that is asked of staff.
    """
    user = request.user
    if not user.is_authenticated:
        return False
    if settings.API_DOCS_FOR == "staff" and not acts_as_staff(user):
        return False
    if settings.API_DOCS_FOR == "google" and not _came_by_google(request):
        return False
    if not (domains := settings.API_DOCS_DOMAINS):
        return True
    confirmed = EmailAddress.objects.filter(user=user, email=user.email, verified=True)
    return user.email.rpartition("@")[2] in domains and bool(confirmed.exists())


def is_led_to_document(request: HttpRequest | Request) -> bool:
    """Return whether the menu names it; staff who lack something are led to where they are told."""
    if settings.API_DOCS_FOR == "staff":
        return bool(request.user.is_authenticated and request.user.is_staff)
    return may_read_document(request)


def _came_by_google(request: HttpRequest | Request) -> bool:
    """Return whether this session began at Google; a token does not tell how its owner signs in."""
    return getattr(request, "auth", None) is None and any(
        record.get("provider") == "google"
        for record in get_authentication_records(request, request.user)
    )


class MayReadDocument(BasePermission):
    """The users that the settings name."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if settings.API_DOCS_FOR == "google" and not _came_by_google(request):
            self.message = _("Sign in with Google to read the API documentation.")
        return may_read_document(request)


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
