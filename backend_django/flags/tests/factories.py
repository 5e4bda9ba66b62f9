"""Flags, and for whom the addresses are (tests/security)."""

from typing import Any

from backend_django.flags.models import Flag

ACCESS = {"GET /flags/active/": "own"}


def make_flag(name: str, **fields: Any) -> Flag:
    flag = Flag(name=name, **fields)
    flag.save()
    return flag
