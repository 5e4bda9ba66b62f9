from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("processing", "0004_parameters_encoder")]

    operations = [
        migrations.AddField(
            model_name="processingrequest",
            name="priority",
            field=models.PositiveSmallIntegerField(
                choices=[(1, "High"), (2, "Normal"), (3, "Low")], db_default=2
            ),
        ),
        migrations.AddField(
            model_name="processingrequest",
            name="queue",
            field=models.CharField(db_default="processing", max_length=50),
        ),
        migrations.AddField(
            model_name="processingrequest",
            name="turn",
            field=models.BigIntegerField(
                db_default=0, help_text="Place in the round-robin of owners."
            ),
        ),
        migrations.SeparateDatabaseAndState(
            # The column goes one release later: processes of the release before still write it.
            state_operations=[
                migrations.RemoveIndex(model_name="processingrequest", name="request_unfinished"),
                migrations.RemoveField(model_name="processingrequest", name="published_at"),
            ],
        ),
    ]
