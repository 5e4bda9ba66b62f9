"""The field is renamed, not the column: nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("uploads", "0002_held_uploads")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("upload", "part_size", "chunk_size"),
                migrations.AlterField(
                    "upload",
                    "chunk_size",
                    models.BigIntegerField(
                        db_column="part_size",
                        help_text="Bytes; null when it comes in one.",
                        null=True,
                    ),
                ),
                migrations.AlterField(
                    "upload",
                    "received",
                    models.JSONField(
                        default=list, help_text="Numbers of the chunks that are there."
                    ),
                ),
            ],
        ),
    ]
