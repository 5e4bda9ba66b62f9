"""The first start, which fills an empty database."""

from ..environment import ROOT, env

FIXTURES_DIR = ROOT / "fixtures"
LOAD_DEV_FIXTURES = False

# The first superuser's email. Without email and password none is created.
SUPERUSER_EMAIL = env("DJANGO_SUPERUSER_EMAIL", default="")
# The first superuser's password. An account that exists keeps its own.
SUPERUSER_PASSWORD = env("DJANGO_SUPERUSER_PASSWORD", default="")
