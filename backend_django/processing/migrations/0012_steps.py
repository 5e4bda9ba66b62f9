import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("processing", "0008_inputs")]
    operations = [
        migrations.AddField(
            model_name="processingrequest",
            name="parent",
            field=models.ForeignKey(
                db_index=False,
                help_text="The pipeline that this is a step of.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="steps",
                to="processing.processingrequest",
            ),
        ),
        migrations.AddField(
            model_name="processingrequest",
            name="step_key",
            field=models.CharField(blank=True, db_default="", max_length=100),
        ),
        migrations.AddConstraint(
            model_name="processingrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("parent__isnull", False)),
                fields=("parent", "step_key"),
                name="request_step_once",
            ),
        ),
    ]
