"""The path below which all of it answers."""

import re

from django.core.exceptions import ImproperlyConfigured

from ..environment import env

# Where another program answers at the root of the host: the path that is this one's, as `/river`.
# A proxy may pass it on or remove it.
BASE_PATH = env("BASE_PATH", default="").rstrip("/")
if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", BASE_PATH):
    raise ImproperlyConfigured(f"BASE_PATH is a path such as /river: “{BASE_PATH}” is none.")
FORCE_SCRIPT_NAME = BASE_PATH or None
