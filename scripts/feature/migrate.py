"""Makes the migration of a new feature and the OpenAPI document, in one start of Django.

`python -m scripts.feature.migrate <app>`; "" makes the document alone.
"""

import os
import sys
import warnings
from pathlib import Path


def add_extension(path: Path) -> None:
    """Have a migration add what an exclusion constraint of a reference needs."""
    text = path.read_text("utf-8")
    if "ExclusionConstraint" in text:
        name = "django.contrib.postgres.operations"
        begin = "    operations = [\n"
        text = text.replace("import django.db", f"import {name}\nimport django.db", 1)
        text = text.replace(begin, f"{begin}        {name}.BtreeGistExtension(),\n", 1)
        path.write_text(text, "utf-8")


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "backend_django.config.settings.test"
    os.environ["TEST_APPS"] = ""
    import django
    from django.apps import apps
    from django.core.management import call_command

    django.setup()
    warnings.filterwarnings("ignore", message="Got an error checking a consistent migration")
    if app := sys.argv[1]:
        call_command("makemigrations", app, verbosity=0, include_header=False)
        add_extension(Path(apps.get_app_config(app).path) / "migrations" / "0001_initial.py")
    from scripts.schema import DOCUMENT

    call_command("spectacular", file=str(DOCUMENT), format="openapi-json", fail_on_warn=True)


if __name__ == "__main__":
    main()
