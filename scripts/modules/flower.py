"""Flower, a view of the queue: http://127.0.0.1:5555, or FLOWER_PORT."""

from scripts.environment import UsageError
from scripts.modules import ModuleProgram


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return the sign-in of Flower: CELERY_FLOWER_USER with CELERY_FLOWER_PASSWORD."""
    password = settings.get("CELERY_FLOWER_PASSWORD")
    if not password:
        raise UsageError("CELERY_FLOWER_PASSWORD is not set: add a line with one to .env")
    user = settings.get("CELERY_FLOWER_USER", "flower")
    return {
        "CELERY_FLOWER_USER": user,
        "CELERY_FLOWER_PASSWORD": password,
        "FLOWER_ADDRESS": "127.0.0.1",
    }


PROGRAM = ModuleProgram(
    "flower",
    ("FLOWER_PORT", 5555),
    (
        "celery",
        "--quiet",
        "-A",
        "backend_django.config.celery_app",
        "flower",
        "--conf=docker/flower/flowerconfig.py",
    ),
    environment,
    "queue, user and password in .env",
)
