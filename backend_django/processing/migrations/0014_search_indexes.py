from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models

from backend_django.utils.postgresql.indexes import add_concurrently

LISTED = models.Q(parent__isnull=True)
INDEXES = [
    models.Index(
        fields=["owner", "-created_at", "-id"],
        condition=LISTED,
        name="request_list_all_kinds",
    ),
    models.Index(
        fields=["owner", "status", "kind", "-created_at", "-id"],
        condition=LISTED,
        name="request_by_status",
    ),
    GinIndex(
        SearchVector(
            models.Func(
                models.F("name"),
                models.Value(r"[\x01-/:-@[-`{-\x7f]+"),
                models.Value(" "),
                models.Value("g"),
                function="regexp_replace",
                output_field=models.TextField(),
            ),
            config="simple",
        ),
        name="request_name_words",
    ),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("processing", "0013_policies")]

    operations = add_concurrently("processingrequest", *INDEXES)
    # What the planner knows of the words that names have comes from this alone.
    operations.append(
        migrations.RunSQL("ANALYZE processing_processingrequest", migrations.RunSQL.noop)
    )
