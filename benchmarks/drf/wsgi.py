"""The bare project, and beside it WhiteNoise alone with the files of the built page."""

import os
from pathlib import Path

from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

application = WhiteNoise(
    get_wsgi_application(), root=Path(os.environ["BENCH_DRF_PAGE"]).parent, prefix="files/"
)
