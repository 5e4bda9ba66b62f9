"""Calls of jobs and webhooks to external services (utils/http_client.py)."""

from ..environment import env

# Services in your own network that may be called, as `host` or `host:port`. All others must have
# public IP addresses.
HTTP_CLIENT_INTERNAL_HOSTS: list[str] = env.list("HTTP_CLIENT_INTERNAL_HOSTS", default=[])
# Maximum size of a decompressed response, unless a job sets its own.
HTTP_CLIENT_MAX_RESPONSE_BYTES = env.int("HTTP_CLIENT_MAX_RESPONSE_BYTES", default=256 * 1024**2)
