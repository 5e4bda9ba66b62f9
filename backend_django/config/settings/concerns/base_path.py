"""A path below which everything is served."""

import re

from django.core.exceptions import ImproperlyConfigured

from ..environment import env

# The path of this product, such as `/river`, if another program serves the root of the host. The
# proxy in front may pass it on or remove it.
BASE_PATH = env("BASE_PATH", default="").rstrip("/")
if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", BASE_PATH):
    raise ImproperlyConfigured(f"BASE_PATH is a path such as /river: “{BASE_PATH}” is none.")
FORCE_SCRIPT_NAME = BASE_PATH or None
