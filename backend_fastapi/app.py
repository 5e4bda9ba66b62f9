"""The application: `python -m backend_fastapi`. Its addresses are below /api/v1/fast/."""

import os

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_django.config.settings.production")
if not apps.ready:  # in the process that writes the document they are
    django.setup()

from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse

from . import internal, lookups, summaries
from .counted import Counted
from .errors import add_handlers
from .gate import ALIVE, PREFIX, Gate

# What it says of itself is in the one document, at /api/v1/schema/.
api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
add_handlers(api)
routers = APIRouter(prefix=PREFIX.rstrip("/"))
routers.include_router(summaries.router)
routers.include_router(lookups.router)
api.include_router(routers)
api.include_router(internal.router)


@api.get(ALIVE, include_in_schema=False)
async def alive() -> PlainTextResponse:
    """Say that the event loop turns, whatever the database does."""
    return PlainTextResponse("ok\n")


application = Counted(Gate(api))
