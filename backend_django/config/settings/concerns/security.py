"""HTTPS, cookies and headers. The Content-Security-Policy allows nothing inline."""

from csp.constants import NONE, SELF

from ..environment import env
from .base_path import BASE_PATH

# At least 50 random characters. Production refuses missing and well-known ones.
SECRET_KEY: str = env("DJANGO_SECRET_KEY", default="change-me: not a secret")
# Former keys: what they signed or encrypted stays valid.
SECRET_KEY_FALLBACKS: list[str] = env.list("DJANGO_SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS: list[str] = []
# What links in emails and webhooks begin with, such as `https://www.example.org`. Without it, the
# host name of the call, or in a job the first of DJANGO_ALLOWED_HOSTS. Needed behind a port other
# than 443 or 80 that isn't the server's own.
SITE_URL = env("SITE_URL", default="").rstrip("/").removesuffix(BASE_PATH)
# The path of the admin.
ADMIN_URL = env("DJANGO_ADMIN_URL", default="admin/")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Whether plain HTTP is redirected to HTTPS.
SECURE_SSL_REDIRECT = env.bool("DJANGO_SECURE_SSL_REDIRECT", default=True)
# But for probes, which speak plain HTTP inside the network.
SECURE_REDIRECT_EXEMPT = [rf"^{BASE_PATH[1:]}/?health/"]
# How long browsers must use HTTPS. You can't shorten it for those that know it: start with an hour,
# then a year (31536000).
SECURE_HSTS_SECONDS = env.int("DJANGO_SECURE_HSTS_SECONDS", default=3600)
# Whether that includes all subdomains, also those of other sites.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("DJANGO_SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
# Whether browsers may ship with it (hstspreload.org requires both of the above).
SECURE_HSTS_PRELOAD = env.bool("DJANGO_SECURE_HSTS_PRELOAD", default=False)
# Both are decisions about more than this site: no warning where they are not taken.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

SESSION_ENGINE = "backend_django.users.session_store"
# How long a session lasts, in seconds.
SESSION_COOKIE_AGE = env.int("SESSION_COOKIE_AGE", default=14 * 24 * 3600)
# How long a session lasts while it isn't used; 0 sets no limit.
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=3 * 24 * 3600)
# `__Host-` binds a cookie to the host and all its paths; below a path `__Secure-` is what there is.
_PREFIX = "__Secure-" if BASE_PATH else "__Host-"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = BASE_PATH or "/"
SESSION_COOKIE_NAME = f"{_PREFIX}sessionid"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
DEVICE_COOKIE_NAME = f"{_PREFIX}device"  # browsers that have signed in before (users/devices.py)
CSRF_COOKIE_NAME = f"{_PREFIX}csrftoken"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "backend_django.api.problems.csrf_failure"
# Other origins that may send forms, as `https://host`.
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])

# Origins of a CDN, if VITE_APP_STATIC_ROOT names one.
CSP_EXTRA_ORIGINS = env.list("CSP_EXTRA_ORIGINS", default=[])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, *CSP_EXTRA_ORIGINS],
        "style-src": [SELF, *CSP_EXTRA_ORIGINS],
        "img-src": [SELF, "data:", "blob:", *CSP_EXTRA_ORIGINS],
        "connect-src": [SELF, *CSP_EXTRA_ORIGINS],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

# Where to report a vulnerability, as `mailto:` or `https://` URLs: /.well-known/security.txt.
SECURITY_CONTACT: list[str] = env.list("SECURITY_CONTACT", default=[])
