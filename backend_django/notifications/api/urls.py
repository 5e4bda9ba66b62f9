"""Below /api/v1/notifications/."""

from django.db import transaction
from django.urls import re_path

from backend_django.api.urls import ID
from backend_django.users.api.urls import at

from . import views

urlpatterns = [
    re_path("^$", transaction.non_atomic_requests(views.NotificationListView.as_view())),
    at("unread", views.UnreadView),
    at("read", views.ReadView),
    at("preferences", views.PreferenceView),
    at("webhooks", views.WebhookListView),
    at(f"webhooks/{ID}", views.WebhookView),
    at(f"webhooks/{ID}/new-secret", views.WebhookSecretView),
    at(f"webhooks/{ID}/test", views.WebhookTestView),
    at(f"webhooks/{ID}/deliveries", views.DeliveryListView),
    at(f"deliveries/{ID}/resend", views.DeliveryResendView),
]
