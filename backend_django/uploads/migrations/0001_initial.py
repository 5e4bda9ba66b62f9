"""The tables are those of processing's migrations, which made them: only the models move."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("processing", "0007_daily_cpu_seconds"),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Upload",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=uuid.uuid4,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("kind", models.CharField(help_text="What it was sent for.", max_length=50)),
                        ("name", models.CharField(help_text="What the user called the file.", max_length=255)),
                        ("size", models.BigIntegerField(help_text="Bytes, of the whole file.")),
                        ("part_size", models.BigIntegerField(help_text="Bytes; null when it comes in one.", null=True)),
                        ("received", models.JSONField(default=list, help_text="Numbers of the parts that are there.")),
                        ("remote_id", models.CharField(blank=True, help_text="What the storage calls it.", max_length=1100)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("expires_at", models.DateTimeField(db_index=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="uploads",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={"db_table": "processing_processingupload"},
                ),
                migrations.CreateModel(
                    name="DailyUsage",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("day", models.DateField(help_text="In UTC.")),
                        ("bytes", models.BigIntegerField(default=0)),
                        (
                            "cpu_seconds",
                            models.FloatField(
                                db_default=0, default=0, help_text="Of jobs that have ended."
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="daily_usage",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "processing_dailyuploads",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("owner", "day"), name="uploads_once_a_day"
                            )
                        ],
                    },
                ),
            ],
        ),
    ]
