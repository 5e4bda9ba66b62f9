"""A status poll as FastAPI's tutorial has it, with asyncpg's pool and its prepared statements."""

# Its packages are installed where it runs, not here.
# mypy: disable-error-code="import-not-found"

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from asyncpg import Connection, create_pool
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

TOKEN = """
SELECT user_id FROM authtoken_token JOIN auth_user ON auth_user.id = user_id
 WHERE key = $1 AND is_active
"""


class Job(BaseModel):
    """The columns that a status poll of the product tells."""

    id: UUID
    name: str
    parent: UUID | None
    batch: UUID | None
    is_pipeline: bool
    status: str
    phase: str
    step: str
    progress: int
    attempt: int
    max_attempts: int
    error_code: str
    error_message: str
    cancel_requested: bool
    queue_position: int | None
    run_at: datetime | None
    input_name: str
    input_size: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


JOB = f"SELECT {', '.join(Job.model_fields)} FROM drf_job WHERE id = $1 AND owner_id = $2"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with create_pool(os.environ["DATABASE_URL"], min_size=4) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


async def connection() -> AsyncIterator[Connection]:
    async with app.state.pool.acquire() as acquired:
        yield acquired


Database = Annotated[Connection, Depends(connection)]


async def current_user(database: Database, authorization: Annotated[str, Header()]) -> int:
    user = await database.fetchval(TOKEN, authorization.removeprefix("Token "))
    if user is None:
        raise HTTPException(401)
    return int(user)


@app.get("/status/{number}/", response_model=Job)
async def status(
    number: UUID, database: Database, user: Annotated[int, Depends(current_user)]
) -> Any:
    row = await database.fetchrow(JOB, number, user)
    if row is None:
        raise HTTPException(404)
    return dict(row)
