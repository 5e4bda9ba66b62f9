"""The application: `python -m backend_fastapi`. Its addresses are below /api/v1/fast/."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_django.config.settings.production")
if not apps.ready:  # in the process that writes the document they are
    django.setup()

from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse

from backend_django.utils.pulse import SECONDS, beat_pulse

from . import internal, lookups, summaries
from .counted import Counted
from .errors import add_handlers
from .gate import ALIVE, PREFIX, Gate
from .streams import finish_streams

LAST_SECONDS = 5  # for the database, when the process stops


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Show that the loop turns, and at the end let streams be given back to the workers."""
    beating = asyncio.create_task(beat())
    yield
    await finish_streams(LAST_SECONDS)
    beating.cancel()


async def beat() -> None:
    """Touch the pulse's file from the loop: from a thread it would go on when the loop hangs."""
    while True:
        beat_pulse()
        await asyncio.sleep(SECONDS)


# What it says of itself is in the one document, at /api/v1/schema/.
api = FastAPI(
    openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan
)
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
