"""How allauth and this product fit together."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Links in mails lead to the page, and registration can be closed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.ACCOUNT_ALLOW_REGISTRATION

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return request.build_absolute_uri(f"/verify-email/{emailconfirmation.key}")
