from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from backend_django.processing.registry import all_processors
from backend_django.processing.services import request_create
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
                with processor.sample.open("rb") as file:
                    upload = UploadedFile(
                        file, name=processor.sample.name, size=processor.sample.stat().st_size
                    )
                    request, _ = request_create(
                        owner=owner,
                        processor=processor,
                        inputs={"file": [upload]},
                        name=processor.sample_name,
                    )
            self.stdout.write(f"submitted the sample “{request.name}”")
