"""Below /api/v1/notifications/."""

from backend_django.api.urls import ID
from backend_django.users.api.urls import at

from . import views

urlpatterns = [
    at("preferences", views.PreferenceView),
    at("webhooks", views.WebhookListView),
    at(f"webhooks/{ID}", views.WebhookView),
    at(f"webhooks/{ID}/new-secret", views.WebhookSecretView),
    at(f"webhooks/{ID}/test", views.WebhookTestView),
    at(f"webhooks/{ID}/deliveries", views.DeliveryListView),
    at(f"deliveries/{ID}/resend", views.DeliveryResendView),
]
