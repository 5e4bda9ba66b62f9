"""Settings of every environment, in small files by concern. Defaults are fit for production.

A module may add to it: `backend_django/<module>/configure.py` is given all of it, last, and may say
with `configure_local` and `configure_test` what is else on a developer's machine and in tests.
"""

from .concerns.apps import *
from .concerns.auth import *
from .concerns.base_path import *
from .concerns.celery import *
from .concerns.database import *
from .concerns.google import *
from .concerns.http_client import *
from .concerns.live import *
from .concerns.logging import *
from .concerns.mail import *
from .concerns.pages import *
from .concerns.processing import *
from .concerns.rest import *
from .concerns.security import *
from .concerns.setup import *
from .concerns.storage import *
from .modules import configure_modules

configure_modules("configure", globals())
