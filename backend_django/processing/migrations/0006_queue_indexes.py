from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


def concurrently(index: models.Index) -> list[migrations.operations.base.Operation]:
    """Make an index without a lock, also where an earlier try was cut short and left half of it."""
    return [
        migrations.RunSQL(
            f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(model_name="processingrequest", index=index),
    ]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("processing", "0005_row_is_the_queue")]

    operations = [
        *concurrently(
            models.Index(
                fields=["queue", "priority", "turn", "created_at", "id"],
                condition=models.Q(status="pending"),
                name="request_due",
            )
        ),
        *concurrently(
            models.Index(
                fields=["owner", "queue", "priority", "turn"],
                condition=models.Q(status__in=["pending", "processing"]),
                name="request_turn",
            )
        ),
        *concurrently(
            models.Index(
                fields=["lease_expires_at"],
                condition=models.Q(status="processing"),
                name="request_leased",
            )
        ),
    ]
