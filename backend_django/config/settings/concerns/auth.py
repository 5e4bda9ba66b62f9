"""Accounts: email and password, no user name (docs/decisions/0005)."""

from ..environment import env
from .base_path import BASE_PATH

AUTH_USER_MODEL = "users.User"

# One backend: allauth's. A second one would double the cost of every failed sign-in.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "backend_django.users.passwords.DecoratedWordValidator"}]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]

LOGIN_URL = f"{BASE_PATH}/login"
LOGIN_REDIRECT_URL = f"{BASE_PATH}/"
PASSWORD_RESET_TIMEOUT = 3600  # seconds

ACCOUNT_ADAPTER = "backend_django.users.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# `none` where there is no mail server: new accounts then need no confirmed email.
ACCOUNT_EMAIL_VERIFICATION = env("ACCOUNT_EMAIL_VERIFICATION", default="mandatory")
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
# Whether visitors may sign up. If not, create accounts in the admin.
ACCOUNT_ALLOW_REGISTRATION = env.bool("ACCOUNT_ALLOW_REGISTRATION", default=True)
# Days after which an account with an unconfirmed email is removed; 0 keeps it.
ACCOUNT_UNCONFIRMED_DAYS = env.int("ACCOUNT_UNCONFIRMED_DAYS", default=14)
# Attempts / time / of an IP address or of an account ("key"). The wrong password that is one too
# many is refused as such, and so is the right one from then on.
ACCOUNT_RATE_LIMITS = {
    "login_failed_by_address": "30/m/ip",  # whichever the account
    "login_failed": "4/5m/key",  # an account, from one place (users/adapters.py)
    "login_failed_anywhere": "100/d/key",  # an account, from all places it never signed in from
    "signup": "60/m/ip,10/h/key",
    "confirm_email": "20/m/ip",
    "reset_password": "20/m/ip",
    # Mails of one kind to one email, beyond which none is sent and nobody is told. Shorter than
    # what a link lasts: whoever gets no further mail has one whose link still works.
    "link_mail": "3/30m/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/5m/user",
    "email_change": "5/h/user",
}

# The serializer whose fields are asked for wherever a password is, and for a new token.
ACCOUNT_SECOND_STEP = "backend_django.users.api.confirm.NoSecondStep"

REST_AUTH = {
    "LOGIN_SERIALIZER": "backend_django.users.api.serializers.LoginSerializer",
    "USER_DETAILS_SERIALIZER": "backend_django.users.api.serializers.UserSerializer",
    "TOKEN_SERIALIZER": "backend_django.users.api.serializers.TokenKeySerializer",
    "TOKEN_MODEL": "backend_django.users.models.ApiToken",
    "TOKEN_CREATOR": "backend_django.users.api.views.sign_in_token",
    "SESSION_LOGIN": True,
}
