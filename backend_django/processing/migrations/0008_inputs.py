from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("processing", "0007_daily_cpu_seconds"),
        ("uploads", "0001_initial"),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="ProcessingUpload"),
                migrations.DeleteModel(name="DailyUploads"),
            ],
        ),
        migrations.AddField(
            model_name="processingrequest",
            name="inputs",
            field=models.JSONField(
                db_default={}, default=dict, help_text="key -> [{name, filename, size, source}]"
            ),
        ),
        migrations.AddField(
            model_name="processingrequest",
            name="uses",
            field=models.ManyToManyField(
                help_text="Whose results are inputs.",
                related_name="used_by",
                to="processing.processingrequest",
            ),
        ),
        migrations.AlterField(
            model_name="processingrequest",
            name="input_file",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
        migrations.AlterField(
            model_name="processingrequest",
            name="input_name",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="What the user called the first file.",
                max_length=255,
            ),
        ),
        migrations.AlterField(
            model_name="processingrequest",
            name="input_size",
            field=models.BigIntegerField(
                db_default=0, default=0, help_text="Bytes of all input files."
            ),
        ),
    ]
