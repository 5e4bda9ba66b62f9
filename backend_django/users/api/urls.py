"""Below /api/v1/auth/. Each address with or without a slash at its end.

None is in the request's transaction: a failure that is counted must stay counted when the answer is
a refusal. The services have transactions of their own.
"""

from typing import Any

from django.db import transaction
from django.urls import URLPattern, re_path

from . import account_views as account
from . import views


def at(route: str, view: Any) -> URLPattern:
    return re_path(rf"^{route}/?$", transaction.non_atomic_requests(view.as_view()))


urlpatterns = [
    at("login", views.LoginView),
    at("logout", views.LogoutView),
    at("logout/others", account.LogoutOthersView),
    at("session", views.SessionView),
    at("sessions", account.SessionListView),
    at(r"sessions/(?P<pk>[0-9]{1,18})", account.SessionEndView),
    at("user", views.UserView),
    at("user/delete", account.UserDeleteView),
    at("registration", account.RegisterView),
    at("registration/verify-email", account.VerifyEmailView),
    at("registration/resend-email", account.ResendEmailView),
    at("password/reset", account.PasswordResetView),
    at("password/reset/confirm", account.PasswordResetConfirmView),
    at("password/change", account.PasswordChangeView),
    at("email/change", account.EmailChangeView),
    at("email/change/confirm", account.EmailChangeConfirmView),
    at("tokens", account.TokenListView),
    at(r"tokens/(?P<pk>[0-9]{1,18})", account.TokenRevokeView),
]
