"""Below /api/v1/auth/, as what else is about accounts."""

from backend_django.users.api.urls import at

from . import passkey_views as passkeys
from . import views

urlpatterns = [
    at("mfa", views.MfaView),
    at("mfa/propose", views.MfaProposeView),
    at("mfa/activate", views.MfaActivateView),
    at("mfa/deactivate", views.MfaDeactivateView),
    at("mfa/recovery-codes", views.RecoveryCodesView),
    at("mfa/passkeys", passkeys.PasskeyListView),
    at("mfa/passkeys/propose", passkeys.PasskeyProposeView),
    at("mfa/passkeys/challenge", passkeys.PasskeyChallengeView),
    at("mfa/passkeys/login", passkeys.PasskeyLoginView),
    at(r"mfa/passkeys/(?P<pk>[0-9]{1,18})", passkeys.PasskeyRenameView),
    at(r"mfa/passkeys/(?P<pk>[0-9]{1,18})/remove", passkeys.PasskeyRemoveView),
]
