from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('uploads', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='upload',
            name='held_by',
            field=models.UUIDField(help_text='Id of what uses the file.', null=True),
        ),
        migrations.AddField(
            model_name='upload',
            name='stored_name',
            field=models.CharField(db_default='', help_text='In the storage.', max_length=200),
        ),
        migrations.AlterField(
            model_name='upload',
            name='expires_at',
            field=models.DateTimeField(db_index=True, help_text='Null while it is held.', null=True),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('held_by__isnull', False)), fields=['held_by'], name='upload_held'),
        ),
    ]
