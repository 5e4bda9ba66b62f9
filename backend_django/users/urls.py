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


def view_at(route: str, view: Any, name: str) -> URLPattern:
    # Not in the request's transaction: a wrong code stays counted.
    return re_path(rf"^{route}/?$", transaction.non_atomic_requests(view), name=name)


def redirect_to_page(route: str, to: str, name: str) -> URLPattern:
    """Lead to a page, with the query: `next` is checked there."""

    @require_safe
    def lead(request: HttpRequest, **parts: str) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        return HttpResponseRedirect(page_path(to.format(**parts)) + (f"?{query}" if query else ""))

    return re_path(rf"^{route}/?$", lead, name=name)


urlpatterns = [
    redirect_to_page("login", "/login", "account_login"),
    redirect_to_page("signup", "/register", "account_signup"),
    redirect_to_page("logout", "/account", "account_logout"),
    redirect_to_page("inactive", "/login", "account_inactive"),
    redirect_to_page("reauthenticate", "/account", "account_reauthenticate"),
    redirect_to_page("email", "/account", "account_email"),
    redirect_to_page("confirm-email", "/check-mail", "account_email_verification_sent"),
    redirect_to_page(
        "confirm-email/(?P<key>[-:A-Za-z0-9_]+)", "/verify-email/{key}", "account_confirm_email"
    ),
    redirect_to_page("password/change", "/account", "account_change_password"),
    redirect_to_page("password/set", "/account", "account_set_password"),
    redirect_to_page("password/reset", "/forgot", "account_reset_password"),
    redirect_to_page("password/reset/done", "/check-mail", "account_reset_password_done"),
    redirect_to_page(
        "password/reset/key/(?P<uidb36>[0-9a-z]+)-(?P<key>[-A-Za-z0-9_]+)",
        "/reset/{uidb36}/{key}",
        "account_reset_password_from_key",
    ),
    redirect_to_page("password/reset/key/done", "/login", "account_reset_password_from_key_done"),
]

if settings.GOOGLE_LOGIN_URL:
    urlpatterns += [
        re_path(r"^google/login/?$", google.login, name="google_login"),
        re_path(r"^google/login/callback/?$", oauth2_callback, name="google_callback"),
        redirect_to_page("social/signup", "/login", "socialaccount_signup"),
        redirect_to_page("social", "/account", "socialaccount_connections"),
    ]
