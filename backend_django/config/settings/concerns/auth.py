"""Accounts: e-mail and password, no user name (docs/decisions/0005)."""

from ..environment import env

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
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]

LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "backend_django.users.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_ALLOW_REGISTRATION = env.bool("ACCOUNT_ALLOW_REGISTRATION", default=True)
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip,5/5m/key"}
# Proxies in front that append to X-Forwarded-For; 0 means the address of the connection counts.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

REST_AUTH = {
    "LOGIN_SERIALIZER": "backend_django.users.api.serializers.LoginSerializer",
    "REGISTER_SERIALIZER": "backend_django.users.api.serializers.RegisterSerializer",
    "USER_DETAILS_SERIALIZER": "backend_django.users.api.serializers.UserSerializer",
    "SESSION_LOGIN": True,
    "OLD_PASSWORD_FIELD_ENABLED": True,
    "LOGOUT_ON_PASSWORD_CHANGE": True,
}

EMAIL_BACKEND = env("EMAIL_BACKEND", default="django.core.mail.backends.smtp.EmailBackend")
vars().update(
    env.email_url("EMAIL_URL", default="smtp://localhost:25"), EMAIL_BACKEND=EMAIL_BACKEND
)
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Rootstock <noreply@localhost>")
