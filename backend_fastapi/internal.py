"""Endpoints for services of this installation only; no gateway leads here."""

from typing import Any

from fastapi import APIRouter, Request

from backend_django.summaries.service_identity import HEADER, identity_verify

from .gate import INTERNAL
from .threads import ARITHMETIC, DATABASE, OUTSIDE, in_database

router = APIRouter(prefix=INTERNAL.rstrip("/"), include_in_schema=False)


@router.get("/status")
async def status(request: Request) -> dict[str, Any]:
    """Return how many calls may run at once, for whoever runs the product."""
    caller = await in_database(
        identity_verify,
        request.headers.get(HEADER, ""),
        audience="fastapi",
        method=request.method,
        path=request.url.path,
    )
    pools = {"database": DATABASE, "arithmetic": ARITHMETIC, "outside": OUTSIDE}
    return {"caller": caller, "threads": {name: p._max_workers for name, p in pools.items()}}
