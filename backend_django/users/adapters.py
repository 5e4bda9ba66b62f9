"""How allauth and this product fit together."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Registration can be closed; what counts failures cannot be talked round."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.ACCOUNT_ALLOW_REGISTRATION

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address to count by, also for who came by fewer proxies than were announced."""
        try:
            return super().get_client_ip(request)
        except ImproperlyConfigured:
            return request.META["REMOTE_ADDR"]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures count per account. Allauth's key also has the Host header, port included: a
        guesser would start anew with every port made up.
        """
        return str(credentials.get("email", "")).lower()
