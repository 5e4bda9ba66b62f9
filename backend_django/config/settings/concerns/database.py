"""PostgreSQL and the cache."""

from ..environment import env

# `postgresql://user:password@host:5432/name`. Special characters of a password are escaped.
DATABASES = {"default": env.db("DATABASE_URL", default="postgres:///app")}
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": True,
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    connect_timeout=3,
    # A query that hangs must not take a web thread with it.
    options="-c statement_timeout=30s -c lock_timeout=5s"
    " -c idle_in_transaction_session_timeout=60s",
)

# The cache, and the broker unless CELERY_BROKER_URL names another.
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
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    },
}
