from django.db import migrations, models

from backend_django.utils.postgresql.indexes import add_concurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("processing", "0005_row_is_the_queue")]

    operations = [
        *add_concurrently(
            "processingrequest",
            models.Index(
                fields=["queue", "priority", "turn", "created_at", "id"],
                condition=models.Q(status="pending"),
                name="request_due",
            )
        ),
        *add_concurrently(
            "processingrequest",
            models.Index(
                fields=["owner", "queue", "priority", "turn"],
                condition=models.Q(status__in=["pending", "processing"]),
                name="request_turn",
            )
        ),
        *add_concurrently(
            "processingrequest",
            models.Index(
                fields=["lease_expires_at"],
                condition=models.Q(status="processing"),
                name="request_leased",
            )
        ),
    ]
