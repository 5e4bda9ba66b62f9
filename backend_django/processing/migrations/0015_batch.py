from django.db import migrations, models

from backend_django.utils.postgresql.indexes import add_concurrently

INDEX = models.Index(
    fields=["batch"], condition=models.Q(batch__isnull=False), name="request_batch"
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("processing", "0014_search_indexes")]

    operations = [
        migrations.AddField(
            model_name="processingrequest",
            name="batch",
            field=models.UUIDField(
                editable=False,
                help_text="What requests have in common that one call made.",
                null=True,
            ),
        ),
        *add_concurrently("processingrequest", INDEX),
    ]
