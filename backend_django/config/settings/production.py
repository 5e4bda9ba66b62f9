"""In production: a stranger can reach everything. Refuses missing and well-known secrets."""

from .base import *
from .concerns.secrets import require_own_secret

APP_ENVIRONMENT = env("APP_ENVIRONMENT", default="production")

SECRET_KEY = require_own_secret("DJANGO_SECRET_KEY", SECRET_KEY)
# The host names of this site.
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS")
