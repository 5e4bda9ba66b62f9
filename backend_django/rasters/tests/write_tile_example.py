"""Write the tiles that the page's tests read: `python -m backend_django.rasters.tests.…`."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_django.config.settings.local")
django.setup()

from backend_django.rasters.tests.test_numeric_tiles import EXAMPLE, example  # noqa: E402

EXAMPLE.write_text(json.dumps(example(), indent=2) + "\n", encoding="utf-8")
