from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mail", "0001_initial")]

    operations = [
        # The column goes one release later: processes of the release before still write it.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="mail", name="published_at")]
        ),
    ]
