"""PostgreSQL and the cache. docs/decisions/0027 says how long which wait may take."""

import os

from ..environment import env

# A name server that is silent is given up after a second; its default is five, twice.
os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:2")

# `postgresql://user:password@host:5432/name`, with special characters of the password escaped.
DATABASES = {"default": env.db("DATABASE_URL", default="postgres:///app")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["ENGINE"] = "backend_django.utils.postgresql"
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": True,
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    connect_timeout=3,
    # A machine that is gone is noticed within seconds, with nothing sent (keepalives) and with
    # something on its way (tcp_user_timeout, in milliseconds).
    keepalives_idle=5,
    keepalives_interval=2,
    keepalives_count=3,
    tcp_user_timeout=8000,
    # What the server ends by itself, the last one when its client has given up.
    options="-c statement_timeout=30s -c lock_timeout=5s"
    " -c idle_in_transaction_session_timeout=60s -c client_connection_check_interval=2s",
)
# Whether each connection to PostgreSQL keeps the plans of the engine's own statements. A pooler
# that lends connections per transaction must support that: pgbouncer does from 1.21 on, with
# `max_prepared_statements`. Turn it off for others.
DATABASE_PREPARED_STATEMENTS = env.bool("DATABASE_PREPARED_STATEMENTS", default=True)
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 5 if DATABASE_PREPARED_STATEMENTS else None
# How long a web request waits for all its statements together before it responds 503.
DATABASE_REQUEST_SECONDS = env.float("DATABASE_REQUEST_SECONDS", default=3.5)
# How long a worker waits for each statement. Commands wait as long as it takes.
DATABASE_STATEMENT_SECONDS = env.float("DATABASE_STATEMENT_SECONDS", default=8.0)

# The cache, and the broker unless `CELERY_BROKER_URL` names another.
REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")

# The default cache is a table: allauth counts failed sign-ins there, and nobody may guess on, or be
# kept out, because Redis is away. What may be lost and is asked for often belongs in "redis".
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # When it is full a part is thrown away, whoever filled it: not within a day's counting.
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    },
    "redis": {
        "BACKEND": "backend_django.utils.cache.RedisOrLocalCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    },
}
