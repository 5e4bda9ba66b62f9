"""Procrastinate: jobs are rows, LISTEN/NOTIFY wakes a worker. Coroutines, its quickest way."""

# Its packages are installed where it runs, not here.
# mypy: disable-error-code="import-not-found"

import asyncio
import logging
import os
import statistics
import sys
import time

import procrastinate

logging.getLogger("procrastinate").setLevel(logging.ERROR)  # who may import it is no matter here
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"])
)


@app.task(name="nothing")
async def nothing() -> None:
    """Do nothing."""


async def run(count: int) -> float:
    """Defer all in one statement; return the seconds until none of them waits."""
    began = time.perf_counter()
    await nothing.batch_defer_async(*[{}] * count)
    while await _left():
        await asyncio.sleep(0.002 if count == 1 else 0.02)  # as ours
    return time.perf_counter() - began


async def _left() -> bool:
    row = await app.connector.execute_query_one_async(
        "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')) AS left"
    )
    return bool(row["left"])


async def main(what: str, count: int) -> None:
    async with app.open_async():
        if what == "setup":
            await app.schema_manager.apply_schema_async()
        elif what == "worker":
            await app.run_worker_async(concurrency=count, delete_jobs="never")
        elif what == "run":
            print(await run(count))
        else:
            print(statistics.median([await run(1) for _ in range(count)]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
