"""The one reader of environment variables. NAME_FILE=/run/secrets/name works for every NAME."""

from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parents[3]
BACKEND = ROOT / "backend_django"

env = environ.FileAwareEnv()
