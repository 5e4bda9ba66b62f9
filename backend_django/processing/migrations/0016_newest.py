from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

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

    # Without a lock, also where an earlier try was cut short and left half of an index.
    operations = [
        operation
        for index in INDEXES
        for operation in (
            migrations.RunSQL(
                f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop
            ),
            AddIndexConcurrently(model_name="processingrequest", index=index),
        )
    ]
