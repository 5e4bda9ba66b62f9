from django.db import migrations, models

from backend_django.utils.postgresql.indexes import add_concurrently

INDEXES = [
    models.Index(fields=["-created_at", "-id"], name="request_newest"),
    models.Index(
        fields=["-created_at", "-id"],
        condition=models.Q(status__in=["failed", "cancelled"]),
        name="request_newest_failed",
    ),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("processing", "0015_batch")]

    operations = add_concurrently("processingrequest", *INDEXES)
