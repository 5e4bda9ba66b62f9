"""Sign-in with Google: on as soon as both variables are set, and not there at all before."""

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from ..environment import env
from .apps import INSTALLED_APPS
from .base_path import BASE_PATH
from .rest import API_DOCS_FOR
from .security import CONTENT_SECURITY_POLICY

# Turns sign-in with Google on: the ID of an OAuth client of the type “Web application” in Google's
# console, with the redirect URI `https://HOST/accounts/google/login/callback/`.
GOOGLE_CLIENT_ID = env("GOOGLE_CLIENT_ID", default="")
# The secret of that client.
GOOGLE_CLIENT_SECRET = env("GOOGLE_CLIENT_SECRET", default="")
# Another origin instead of Google's, for tests.
GOOGLE_ORIGIN = env("GOOGLE_ORIGIN", default="")

GOOGLE_LOGIN_URL: str | None = None
SOCIALACCOUNT_ADAPTER = "backend_django.users.google.SocialAccountAdapter"
# Google says whether it has proved an address. Who reads mails there owns the account.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True

if bool(GOOGLE_CLIENT_ID) != bool(GOOGLE_CLIENT_SECRET):
    raise ImproperlyConfigured("Set both GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or neither.")
if API_DOCS_FOR == "google" and not GOOGLE_CLIENT_ID:
    raise ImproperlyConfigured(
        "API_DOCS_FOR=google needs GOOGLE_CLIENT_ID: nobody could read them."
    )

if GOOGLE_CLIENT_ID:
    GOOGLE_LOGIN_URL = f"{BASE_PATH}/accounts/google/login/"
    INSTALLED_APPS.append("allauth.socialaccount.providers.google")
    _google = {
        "APPS": [{"client_id": GOOGLE_CLIENT_ID, "secret": GOOGLE_CLIENT_SECRET, "key": ""}],
        "SCOPE": ["profile", "email"],
        "AUTH_PARAMS": {"prompt": "select_account"},
        "OAUTH_PKCE_ENABLED": True,
    }
    if GOOGLE_ORIGIN:
        _google |= {
            "AUTHORIZE_URL": f"{GOOGLE_ORIGIN}/o/oauth2/v2/auth",
            "ACCESS_TOKEN_URL": f"{GOOGLE_ORIGIN}/token",
            "ID_TOKEN_ISSUER": GOOGLE_ORIGIN,
        }
    SOCIALACCOUNT_PROVIDERS = {"google": _google}
    # Browsers look at where a form leads in the end.
    _there = urlsplit(GOOGLE_ORIGIN or "https://accounts.google.com")
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(
        f"{_there.scheme}://{_there.netloc}"
    )
