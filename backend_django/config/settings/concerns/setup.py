"""Settings of the first start, which fills an empty database."""

from ..environment import ROOT, env

FIXTURES_DIR = ROOT / "fixtures"
LOAD_DEV_FIXTURES = False

# No superuser is made while these are empty; the password of an existing one is never touched.
SUPERUSER_EMAIL = env("DJANGO_SUPERUSER_EMAIL", default="")
SUPERUSER_PASSWORD = env("DJANGO_SUPERUSER_PASSWORD", default="")
