from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend_django.bucket.objects import Bucket, BucketError, translate_errors


class Command(BaseCommand):
    help = (
        "Let pages of these origins send files straight to the bucket, and read from it. "
        "Replaces the bucket's own rules about that."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("origins", nargs="+", metavar="https://www.example.org")

    def handle(self, *args: Any, **options: Any) -> None:
        storage = default_storage
        if not isinstance(storage, Bucket):
            raise CommandError("Files are in a folder. AWS_STORAGE_BUCKET_NAME names a bucket.")
        rule = {
            "AllowedOrigins": options["origins"],
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["Content-Range", "ETag"],
            "MaxAgeSeconds": 3600,
        }
        try:
            with translate_errors():
                storage.client.put_bucket_cors(
                    Bucket=storage.bucket_name, CORSConfiguration={"CORSRules": [rule]}
                )
        except (BucketError, FileNotFoundError) as error:
            raise CommandError(f"The bucket did not take the rule: {error}") from error
        self.stdout.write(f"{storage.bucket_name} lets in {', '.join(options['origins'])}")
