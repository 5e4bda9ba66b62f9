"""Flower's settings. A file, because in the environment a comma would end the password."""

import hmac
from types import SimpleNamespace

import flower.views

from backend_django.config.settings.environment import env
from backend_django.utils.pulse import start_pulse

start_pulse()

# Flower compares text, of which Python compares ASCII only: a password with "é" would lock
# everybody out, and anybody's "é" would be an error of the server.
flower.views.hmac = SimpleNamespace(
    compare_digest=lambda ours, given: hmac.compare_digest(ours.encode(), given.encode())
)

address = env("FLOWER_ADDRESS", default="0.0.0.0")  # noqa: S104 (a container has its own network)
port = env.int("FLOWER_PORT", default=5555)
basic_auth = [f"{env('CELERY_FLOWER_USER', default='flower')}:{env('CELERY_FLOWER_PASSWORD')}"]
