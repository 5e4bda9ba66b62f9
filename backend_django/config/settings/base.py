"""What holds in every environment, in small files by concern. Defaults are fit for production."""

from .concerns.apps import *
from .concerns.auth import *
from .concerns.celery import *
from .concerns.database import *
from .concerns.google import *
from .concerns.logging import *
from .concerns.mail import *
from .concerns.mfa import *
from .concerns.pages import *
from .concerns.processing import *
from .concerns.rest import *
from .concerns.security import *
from .concerns.setup import *
from .concerns.storage import *
