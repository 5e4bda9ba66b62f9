"""Keeps the first document of each version: tests/api/test_breaking.py compares with it."""

import shutil

from backend_django.utils.project import read_project
from scripts.environment import ROOT
from scripts.schema import DOCUMENT


def keep() -> None:
    released = ROOT / "docs" / "api" / f"openapi-{read_project().version}.json"
    if not released.exists():
        released.parent.mkdir(exist_ok=True)
        shutil.copyfile(DOCUMENT, released)
        print(f"published {released.relative_to(ROOT)}")
