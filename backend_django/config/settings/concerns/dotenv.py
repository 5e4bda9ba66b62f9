"""Importing this reads .env; what the environment already says wins."""

from ..environment import ROOT, env

env.read_env(ROOT / ".env", overwrite=False)
