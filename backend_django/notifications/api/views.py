"""Notifications in the app, by email and by webhook. Thin: services do the work."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import read_query, takes_no_body
from backend_django.users.api.account_views import AccountView

from .. import deliveries, inbox, services
from ..models import Notification, NotificationPreference, Webhook, WebhookDelivery
from .serializers import (
    NewWebhookSerializer,
    NotificationListQuery,
    NotificationPreferenceSerializer,
    NotificationReadSerializer,
    NotificationSerializer,
    UnreadSerializer,
    WebhookCreateSerializer,
    WebhookDeliverySerializer,
    WebhookSecretSerializer,
    WebhookSerializer,
    WebhookUpdateSerializer,
)


class NotificationListView(AccountView, generics.GenericAPIView[Notification]):
    schema_action = "list"
    is_list = True
    query_serializer = NotificationListQuery
    serializer_class = NotificationSerializer

    @extend_schema(responses=NotificationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The caller's notifications, newest first."""
        rows: Any = inbox.notifications_of(self.user)
        if (unread := read_query(self, request).get("unread")) is not None:
            rows = rows.filter(read_at__isnull=unread)
        page: list[Any] = self.paginate_queryset(rows) or []
        return self.get_paginated_response(NotificationSerializer(page, many=True).data)


class UnreadView(AccountView):
    schema_action = "unread"

    @extend_schema(responses=UnreadSerializer)
    def get(self, request: Request) -> Response:
        """Count the caller's unread notifications."""
        return Response({"count": inbox.count_unread(self.user)})


class ReadView(AccountView):
    schema_action = "read"

    @extend_schema(request=NotificationReadSerializer, responses=UnreadSerializer)
    def post(self, request: Request) -> Response:
        """Mark notifications as read; those that are not the caller's are left alone."""
        data = self.read(NotificationReadSerializer)
        inbox.notifications_mark_read(
            user=self.user, ids=data.get("ids"), request_id=data.get("request")
        )
        return Response({"count": inbox.count_unread(self.user)})


class PreferenceView(AccountView, generics.GenericAPIView[NotificationPreference]):
    schema_action = {"get": "preference", "patch": "preference_update"}
    serializer_class = NotificationPreferenceSerializer

    @extend_schema(responses=NotificationPreferenceSerializer)
    def get(self, request: Request) -> Response:
        """Read or change when and where the user is notified of requests that have ended."""
        return Response(NotificationPreferenceSerializer(services.preference_of(self.user)).data)

    @extend_schema(
        request=NotificationPreferenceSerializer, responses=NotificationPreferenceSerializer
    )
    def patch(self, request: Request) -> Response:
        """Choose when."""
        data = self.read(NotificationPreferenceSerializer)
        if data:
            services.preference_set(user=self.user, **data)
        return self.get(request)


class OwnWebhooks(AccountView, generics.GenericAPIView[Webhook]):
    """The webhooks of whoever asks; those of others do not exist."""

    serializer_class: Any = WebhookSerializer
    queryset = Webhook.objects.none()  # for the type of <id> in the document

    def get_queryset(self) -> QuerySet[Webhook]:
        if not self.request.user.is_authenticated:  # the document is made without a caller
            return self.queryset
        return services.webhooks_of(self.user)

    def get_webhook(self, id: UUID) -> Webhook:
        found = self.get_queryset().filter(id=id).first()
        if found is None:
            raise NotFound("There is no such webhook.")
        return found


class WebhookListView(OwnWebhooks, generics.ListAPIView[Webhook]):
    schema_action = {"get": "webhooks", "post": "webhook_create"}
    is_list = True
    problems = {409: "There are too many"}
    request_serializer_class = WebhookCreateSerializer

    @extend_schema(request=WebhookCreateSerializer, responses={201: NewWebhookSerializer})
    def post(self, request: Request) -> Response:
        """Create a webhook. Its secret is in this response and nowhere else."""
        webhook, secret = services.webhook_create(
            owner=self.user, **self.read(WebhookCreateSerializer)
        )
        return Response(WebhookSerializer(webhook).data | {"secret": secret}, status=201)


class WebhookView(OwnWebhooks):
    schema_action = {"get": "webhook", "patch": "webhook_update", "delete": "webhook_delete"}
    request_serializer_class = WebhookUpdateSerializer

    @extend_schema(responses=WebhookSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """One webhook."""
        return Response(WebhookSerializer(self.get_webhook(id)).data)

    @extend_schema(request=WebhookUpdateSerializer, responses=WebhookSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change its URL or events, disable it, or enable it again."""
        webhook = self.get_webhook(id)
        services.webhook_update(webhook=webhook, **self.read(WebhookUpdateSerializer))
        return Response(WebhookSerializer(webhook).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete it, with the log of its deliveries."""
        services.webhook_delete(webhook=self.get_webhook(id))
        return Response(status=204)


class WebhookSecretView(OwnWebhooks):
    schema_action = "webhook_renew_secret"

    @takes_no_body(responses=WebhookSecretSerializer)
    def post(self, request: Request, id: UUID) -> Response:
        """Replace the secret. For a day, messages carry a signature with the old one as well."""
        secret = services.webhook_renew_secret(webhook=self.get_webhook(id))
        return Response({"secret": secret})


class WebhookTestView(OwnWebhooks):
    schema_action = "webhook_test"

    @takes_no_body(responses={201: WebhookDeliverySerializer})
    def post(self, request: Request, id: UUID) -> Response:
        """Send a test event, once. What comes of it is in the log of deliveries."""
        webhook = self.get_webhook(id)
        self.limit("webhook_test", user=self.user)
        delivery = deliveries.delivery_test(webhook=webhook)
        return Response(WebhookDeliverySerializer(delivery).data, status=201)


class DeliveryListView(OwnWebhooks):
    schema_action = "deliveries"
    is_list = True
    serializer_class = WebhookDeliverySerializer

    @extend_schema(responses=WebhookDeliverySerializer(many=True))
    def get(self, request: Request, id: UUID) -> Response:
        """The log of a webhook's deliveries, newest first."""
        rows: Any = self.get_webhook(id).deliveries.all()
        page: list[Any] = self.paginate_queryset(rows) or []
        return self.get_paginated_response(WebhookDeliverySerializer(page, many=True).data)


class DeliveryResendView(AccountView, generics.GenericAPIView[WebhookDelivery]):
    schema_action = "delivery_resend"
    serializer_class = WebhookDeliverySerializer
    queryset = WebhookDelivery.objects.none()  # for the type of <id> in the document
    problems = {409: "It is still pending, or the webhook is disabled"}

    @takes_no_body(responses=WebhookDeliverySerializer)
    def post(self, request: Request, id: UUID) -> Response:
        """Send it again, with the same id."""
        delivery = services.deliveries_of(self.user).filter(id=id).first()
        if delivery is None:
            raise NotFound("There is no such delivery.")
        self.limit("webhook_test", user=self.user)
        deliveries.delivery_resend(delivery=delivery)
        return Response(WebhookDeliverySerializer(delivery).data)
