"""Flower's settings. A file, because in the environment a comma would end the password."""

from backend_django.config.settings.environment import env

address = env("FLOWER_ADDRESS", default="0.0.0.0")  # noqa: S104 (a container has its own network)
port = env.int("FLOWER_PORT", default=5555)
basic_auth = [f"{env('CELERY_FLOWER_USER', default='flower')}:{env('CELERY_FLOWER_PASSWORD')}"]
