"""Sign-in with Google, as far as it is not allauth's: whom it lets in, and where failures lead."""

from typing import Any, NoReturn

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.google.views import oauth2_login
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from backend_django.audit.services import Outcome, event_record
from backend_django.utils.site import page_path

from .models import User
from .services import address_confirm, address_hold


def _back(why: str) -> NoReturn:
    """To the sign-in page, which has a sentence for it."""
    event_record(event="sign_in", outcome=Outcome.FAILURE, detail=why)
    raise ImmediateHttpResponse(HttpResponseRedirect(page_path(f"/login?why={why}")))


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """No page of its own: whatever does not work leads back to the sign-in page."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        proved = {
            address.email.lower() for address in sociallogin.email_addresses if address.verified
        }
        if not proved:
            _back("google-unverified")
        user = sociallogin.user
        if sociallogin.is_existing and isinstance(user, User) and user.email in proved:
            _prove(user)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        if not settings.ACCOUNT_ALLOW_REGISTRATION:
            _back("closed")
        return True

    def populate_user(
        self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]
    ) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        user.email = user.email.lower()
        # The last moment before allauth looks the person up. Two first sign-ins at the same time,
        # or one beside a registration, would both make the account, and one would fail.
        address_hold(user.email)
        parts = [data.get("first_name"), data.get("last_name")]
        user.name = " ".join(part for part in parts if part)[:150]
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, **_: Any
    ) -> None:
        _back("google-cancelled" if error == AuthError.CANCELLED else "google")


def _prove(user: User) -> None:
    """Note that Google has proved the address.

    Whoever registered with it before and could not confirm it must not keep a password to it.
    """
    address, _ = EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"primary": True}
    )
    if not address.verified and address_confirm(address=address):
        user.set_unusable_password()
        user.save(update_fields=["password"])


@require_POST
def login(request: HttpRequest) -> HttpResponse:
    """To Google. Only to sign in: connecting a second identity to an account is not offered."""
    if "process" in request.GET or "process" in request.POST:
        return HttpResponseRedirect(page_path("/login"))
    return oauth2_login(request)
