from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models

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
    # What the planner knows of the words that names have comes from this alone.
    operations.append(
        migrations.RunSQL("ANALYZE processing_processingrequest", migrations.RunSQL.noop)
    )
