"""Below /api/v1/auth/, as what else is about accounts."""

from backend_django.users.api.urls import at

from . import views

urlpatterns = [
    at("mfa", views.MfaView),
    at("mfa/propose", views.MfaProposeView),
    at("mfa/activate", views.MfaActivateView),
    at("mfa/deactivate", views.MfaDeactivateView),
    at("mfa/recovery-codes", views.RecoveryCodesView),
]
