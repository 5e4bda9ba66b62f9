"""Makes the migration of a new feature and the OpenAPI document, in one start of Django.

`python -m scripts.feature.migrate <app>`; "" makes the document alone.
"""

import os
import sys
import warnings


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "backend_django.config.settings.test"
    os.environ["TEST_APPS"] = ""
    import django
    from django.core.management import call_command

    django.setup()
    warnings.filterwarnings("ignore", message="Got an error checking a consistent migration")
    if app := sys.argv[1]:
        call_command("makemigrations", app, verbosity=0, include_header=False)
    from scripts.schema import DOCUMENT

    call_command("spectacular", file=str(DOCUMENT), format="openapi-json", fail_on_warn=True)


if __name__ == "__main__":
    main()
