import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from backend_django.utils.postgresql.indexes import add_concurrently

INDEX = models.Index(
    fields=["created_by"],
    condition=models.Q(created_by__isnull=False),
    name="request_created_by",
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("processing", "0017_error_made_of"),
    ]

    operations = [
        migrations.AddField(
            model_name="processingrequest",
            name="created_by",
            field=models.ForeignKey(
                db_index=False,
                help_text="Who asked for it on behalf of the owner.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        *add_concurrently("processingrequest", INDEX),
    ]
