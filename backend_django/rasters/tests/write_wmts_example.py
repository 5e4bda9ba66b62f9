"""Write the capabilities that the page's tests read: `python -m backend_django.rasters.tests.…`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_django.config.settings.local")
django.setup()

from backend_django.rasters.tests.test_documents import WMTS_EXAMPLE, example  # noqa: E402

WMTS_EXAMPLE.write_text(example(), encoding="utf-8")
