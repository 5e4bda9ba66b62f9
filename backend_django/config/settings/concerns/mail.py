"""Mail: every one is a row in the outbox first, and leaves through a job (docs/decisions/0015)."""

from ..environment import env
from .apps import PROJECT

# What Django's own functions use.
EMAIL_BACKEND = "backend_django.mail.backend.OutboxBackend"
# The Django class that delivers.
MAIL_DELIVERY_BACKEND = env("EMAIL_BACKEND", default="django.core.mail.backends.smtp.EmailBackend")

# The mail server: `smtp://user:password@host:25`, `smtp+tls://…:587` or `smtp+ssl://…:465`.
_server = env.email_url("EMAIL_URL", default="smtp://localhost:25")
EMAIL_HOST, EMAIL_PORT = _server["EMAIL_HOST"], _server["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _server["EMAIL_HOST_USER"], _server["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _server.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _server.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds, to connect
MAIL_ACCEPT_SECONDS = 60  # for each answer after that; it may look for viruses first
EMAIL_FILE_PATH: str | None = None
# The sender of every email.
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default=PROJECT.sender)
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# The pause before the second attempt; it doubles each time, up to an hour.
MAIL_RETRY_SECONDS = env.int("MAIL_RETRY_SECONDS", default=30)
# After this time, an email that can't be sent is given up.
MAIL_GIVE_UP_HOURS = env.int("MAIL_GIVE_UP_HOURS", default=72)
# How long the admin lists finished emails: kind, recipient and outcome. Their text is removed once
# they are sent.
MAIL_RETENTION_DAYS = env.int("MAIL_RETENTION_DAYS", default=14)
