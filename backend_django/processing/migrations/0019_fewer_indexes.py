import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from backend_django.utils.postgresql.indexes import add_concurrently

NEW = models.UniqueConstraint(
    fields=["owner", "kind", "idempotency_key"],
    condition=models.Q(idempotency_key__isnull=False),
    name="request_once_with_key",
)
COUNT = models.Index(
    fields=["owner", "kind"], condition=models.Q(parent__isnull=True), name="request_count"
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("processing", "0018_created_by"),
    ]

    operations = [
        *add_concurrently("processingrequest", COUNT),
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {NEW.name}", migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"CREATE UNIQUE INDEX CONCURRENTLY {NEW.name} ON processing_processingrequest"
                    " (owner_id, kind, idempotency_key) WHERE idempotency_key IS NOT NULL",
                    f"DROP INDEX CONCURRENTLY IF EXISTS {NEW.name}",
                )
            ],
            state_operations=[
                migrations.AddConstraint(model_name="processingrequest", constraint=NEW)
            ],
        ),
        migrations.RemoveConstraint(
            model_name="processingrequest", name="request_once_per_key"
        ),
        migrations.AlterField(
            model_name="processingattempt",
            name="request",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="processing.processingrequest",
            ),
        ),
        migrations.AlterField(
            model_name="processingrequest",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="processing_requests",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
