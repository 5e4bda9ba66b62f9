from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

INDEXES = [
    models.Index(fields=["ip_address", "-created_at"], name="audit_of_address"),
    models.Index(fields=["event", "-created_at"], name="audit_of_event"),
    models.Index(fields=["trace_id"], condition=~models.Q(trace_id=""), name="audit_of_trace"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0001_initial")]

    # The first of each pair is for what an earlier try that was cut short has left.
    operations = [
        operation
        for index in INDEXES
        for operation in (
            migrations.RunSQL(
                f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop
            ),
            AddIndexConcurrently("auditevent", index),
        )
    ]
