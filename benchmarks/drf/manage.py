"""`python -m benchmarks.drf.manage` with a poll's answer as JSON: makes tables and row, and
prints a token.
"""

import json
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.drf.settings"
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

from benchmarks.drf.models import Job  # noqa: E402

call_command("migrate", verbosity=0)  # first the tables that the others point to
call_command("migrate", run_syncdb=True, verbosity=0)
owner = User.objects.create(username="bench")
Job.objects.create(owner=owner, **json.load(sys.stdin))
print(Token.objects.create(user=owner).key)
