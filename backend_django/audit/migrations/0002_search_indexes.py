from django.db import migrations, models

from backend_django.utils.postgresql.indexes import add_concurrently

INDEXES = [
    models.Index(fields=["ip_address", "-created_at"], name="audit_of_address"),
    models.Index(fields=["event", "-created_at"], name="audit_of_event"),
    models.Index(fields=["trace_id"], condition=~models.Q(trace_id=""), name="audit_of_trace"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0001_initial")]

    operations = add_concurrently("auditevent", *INDEXES)
