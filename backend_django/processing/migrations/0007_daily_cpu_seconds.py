from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("processing", "0006_queue_indexes")]

    operations = [
        migrations.AddField(
            model_name="dailyuploads",
            name="cpu_seconds",
            field=models.FloatField(
                db_default=0, default=0, help_text="Of jobs that have ended."
            ),
        ),
    ]
