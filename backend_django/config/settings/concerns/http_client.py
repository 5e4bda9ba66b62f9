"""Calls to services of others, by jobs and webhooks (utils/http_client.py)."""

from ..environment import env

# Only public addresses are called, wherever a user's URL leads. Services of your own network that
# may be called as well, as `host` or `host:port`.
HTTP_CLIENT_INTERNAL_HOSTS: list[str] = env.list("HTTP_CLIENT_INTERNAL_HOSTS", default=[])
# Maximum size of a response, decompressed, unless a job says otherwise.
HTTP_CLIENT_MAX_RESPONSE_BYTES = env.int("HTTP_CLIENT_MAX_RESPONSE_BYTES", default=256 * 1024**2)
