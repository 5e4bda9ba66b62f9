"""Django's tasks with the backend that keeps them in the database; its worker asks for the next."""

# Its packages are installed where it runs, not here.
# mypy: disable-error-code="import-not-found"

import os
import statistics
import sys
import time
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.core.management import call_command

address = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": address.path[1:],
            "USER": unquote(address.username or ""),
            "PASSWORD": unquote(address.password or ""),
            "HOST": address.hostname,
            "PORT": address.port,
        }
    },
    INSTALLED_APPS=["django_tasks", "django_tasks_db"],
    TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
    USE_TZ=True,
)
django.setup()

from django.db import transaction  # noqa: E402
from django_tasks import task  # noqa: E402
from django_tasks_db.models import DBTaskResult  # noqa: E402


@task
def nothing() -> None:
    """Do nothing."""


def run(count: int) -> float:
    """Enqueue all in one transaction; return the seconds from its commit until all are done."""
    with transaction.atomic():
        for _ in range(count):
            nothing.enqueue()
        began = time.perf_counter()
    while DBTaskResult.objects.filter(status__in=["READY", "RUNNING"]).exists():
        time.sleep(0.002 if count == 1 else 0.02)  # as ours
    return time.perf_counter() - began


if __name__ == "__main__":
    what, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if what == "setup":
        call_command("migrate", verbosity=0)
    elif what == "worker":
        call_command("db_worker", interval=0.01, verbosity=0)
    elif what == "run":
        print(run(count))
    else:
        print(statistics.median(run(1) for _ in range(count)))
