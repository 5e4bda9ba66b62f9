"""Tasks that keep house."""

import logging

from celery import shared_task
from django.db.models.functions import Now

from backend_django.files.storage import delete_prefixes
from backend_django.processing.models import MaintenanceRun
from backend_django.uploads.quota import quota_forget

from .tidy import check_files, purge_finished

logger = logging.getLogger(__name__)


@shared_task
def maintenance_tidy() -> None:
    """Remove what is past its retention and what crashes left behind. Sent by beat."""
    MaintenanceRun.objects.update_or_create(name="tidy", defaults={"ran_at": Now()})
    purged = purge_finished()
    quota_forget()
    found = check_files(repair=True)
    if purged or found.orphan_prefixes or found.orphan_scratch or found.missing_files:
        logger.warning(
            "tidied: %d requests past retention, %d orphan prefixes, %d orphan scratch "
            "directories; %d files are missing",
            purged,
            len(found.orphan_prefixes),
            len(found.orphan_scratch),
            len(found.missing_files),
        )


@shared_task
def maintenance_delete_files(prefixes: list[str]) -> None:
    """Remove the files that a transaction left to a worker (files/storage.py)."""
    delete_prefixes(prefixes)
