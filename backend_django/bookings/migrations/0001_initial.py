import backend_django.utils.ranges
import django.contrib.postgres.constraints
import django.contrib.postgres.operations
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('uploads', '0003_chunk_size'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        migrations.CreateModel(
            name='Instrument',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=200)),
                ('inventory', models.SlugField(max_length=80)),
                ('hourly_rate', models.DecimalField(decimal_places=2, default=0, max_digits=8)),
                ('precision', models.FloatField(blank=True, null=True)),
                ('acquired', models.DateField(blank=True, null=True)),
                ('website', models.URLField(blank=True, max_length=500)),
                ('contact', models.EmailField(blank=True, max_length=254)),
                ('specification', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('alternatives', models.ManyToManyField(blank=True, related_name='+', to='bookings.instrument')),
                ('manual', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='uploads.upload')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('picture', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='uploads.upload')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Booking',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(max_length=200)),
                ('period_start', models.DateTimeField()),
                ('period_end', models.DateTimeField()),
                ('state', models.CharField(choices=[('requested', 'Waiting for an answer'), ('confirmed', 'Confirmed'), ('used', 'Used')], default='requested', max_length=20)),
                ('guests', models.IntegerField(default=0)),
                ('supervised', models.BooleanField(default=False)),
                ('reminder', models.DateTimeField(blank=True, null=True)),
                ('remarks', models.TextField(blank=True, max_length=10000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('instrument', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='bookings.instrument')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.AddIndex(
            model_name='instrument',
            index=models.Index(fields=['owner', '-created_at'], name='bookings_in_owner_i_5eac6b_idx'),
        ),
        migrations.AddConstraint(
            model_name='instrument',
            constraint=models.UniqueConstraint(fields=('inventory',), name='bookings_instrument_inventory_unique'),
        ),
        migrations.AddIndex(
            model_name='booking',
            index=models.Index(fields=['owner', '-created_at'], name='bookings_bo_owner_i_4a6f2c_idx'),
        ),
        migrations.AddConstraint(
            model_name='booking',
            constraint=models.CheckConstraint(condition=models.Q(('period_end__gt', models.F('period_start'))), name='bookings_booking_period_end_order'),
        ),
        migrations.AddConstraint(
            model_name='booking',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('instrument', '='), (backend_django.utils.ranges.DateTimeRange('period_start', 'period_end'), '&&')], name='bookings_booking_period_start_overlap'),
        ),
    ]
