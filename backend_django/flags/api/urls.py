"""Below /api/v1/flags/."""

from backend_django.users.api.urls import at

from .views import ActiveFlagsView

urlpatterns = [at("active", ActiveFlagsView)]
