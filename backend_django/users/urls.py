"""Below accounts/: allauth's names for what the page does, and the few pages that stay allauth's.

Each form there is one more door to keep shut. So the page is the only one for registering, signing
in and changing the account, and the addresses lead to it; what stays is where a redirect from
somebody else ends up, because that cannot be answered by the page's API.
"""

from typing import Any

from allauth.socialaccount.providers.google.views import oauth2_callback
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, re_path
from django.views.decorators.http import require_safe

from backend_django.utils.site import page_path

from . import google


def stays(route: str, view: Any, name: str) -> URLPattern:
    # Not in the request's transaction: a wrong code stays counted.
    return re_path(rf"^{route}/?$", transaction.non_atomic_requests(view), name=name)


def moved(route: str, to: str, name: str) -> URLPattern:
    """Lead to a page, with the query: `next` is checked there."""

    @require_safe
    def lead(request: HttpRequest, **parts: str) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        return HttpResponseRedirect(page_path(to.format(**parts)) + (f"?{query}" if query else ""))

    return re_path(rf"^{route}/?$", lead, name=name)


urlpatterns = [
    moved("login", "/login", "account_login"),
    moved("signup", "/register", "account_signup"),
    moved("logout", "/account", "account_logout"),
    moved("inactive", "/login", "account_inactive"),
    moved("reauthenticate", "/account", "account_reauthenticate"),
    moved("email", "/account", "account_email"),
    moved("confirm-email", "/check-mail", "account_email_verification_sent"),
    moved("confirm-email/(?P<key>[-:A-Za-z0-9_]+)", "/verify-email/{key}", "account_confirm_email"),
    moved("password/change", "/account", "account_change_password"),
    moved("password/set", "/account", "account_set_password"),
    moved("password/reset", "/forgot", "account_reset_password"),
    moved("password/reset/done", "/check-mail", "account_reset_password_done"),
    moved(
        "password/reset/key/(?P<uidb36>[0-9a-z]+)-(?P<key>[-A-Za-z0-9_]+)",
        "/reset/{uidb36}/{key}",
        "account_reset_password_from_key",
    ),
    moved("password/reset/key/done", "/login", "account_reset_password_from_key_done"),
]

if settings.GOOGLE_LOGIN_URL:
    urlpatterns += [
        re_path(r"^google/login/?$", google.login, name="google_login"),
        re_path(r"^google/login/callback/?$", oauth2_callback, name="google_callback"),
        moved("social/signup", "/login", "socialaccount_signup"),
        moved("social", "/account", "socialaccount_connections"),
    ]
