from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from backend_django.processing.registry import all_processors
from backend_django.processing.samples import sample_submit
from backend_django.site_config.models import SetupFlag
from backend_django.users.models import User


class Command(BaseCommand):
    help = "Submit each feature's sample once, so that a new developer has something to look at."

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(email=settings.SUPERUSER_EMAIL.lower()).first()
        if owner is None:
            raise CommandError("There is no superuser yet: run `manage.py setup` first.")
        for processor in all_processors():
            if processor.sample is None:
                continue
            with transaction.atomic(), SetupFlag.once(f"sample-{processor.name}") as first:
                if not first:
                    continue
                request, _ = sample_submit(owner=owner, processor=processor)
            self.stdout.write(f"submitted the sample “{request.name}”")
