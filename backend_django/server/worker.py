"""gunicorn's worker: its event loop reads and writes, a pool of threads runs Django.

Imported by gunicorn's main process, which outlives a reload: so nothing of Django here.
"""

import asyncio
import resource
from typing import Any

from gunicorn.workers import gasgi

from backend_django.utils.pulse import beat_pulse

from . import limits
from .connections import Connection, Table

gasgi.ASGIProtocol = Connection  # gunicorn has no setting for it; tests/server needs it


FILES_OF_OTHERS = 200  # open files that are no connections: the database's, uploads, downloads


def allow_files() -> int:
    """Allow this process as many open files as it may have; return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 2**20 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


class Worker(gasgi.ASGIWorker):
    """Serve a WSGI application as `gthread` does, but take a thread for whole requests only."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Say nothing: unlike gunicorn's own, it does use the number of threads."""

    def load_wsgi(self) -> None:
        super().load_wsgi()  # sets Django up

        from django.conf import settings

        from .bridge import Bridge

        wsgi: Any = self.asgi
        self.asgi: Any = Bridge(wsgi, threads=self.cfg.threads)
        self.table = Table(
            # Behind a proxy all connections come from its address.
            per_address=0 if settings.TRUSTED_PROXY_COUNT else limits.SENDING_PER_ADDRESS,
            in_all=limits.SENDING,
            at_most=min(self.worker_connections, allow_files() - FILES_OF_OTHERS),
        )

    async def _serve(self) -> None:
        watch = asyncio.create_task(self._watch())
        await super()._serve()
        watch.cancel()

    async def _shutdown(self) -> None:
        self.alive = False  # also when it is the main process that has gone
        await super()._shutdown()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1)
            try:
                self._look()
            except Exception:  # without it no client has limits, and a stop takes all its time
                self.log.exception("the connections could not be looked through")

    def _look(self) -> None:
        beat_pulse()
        self.table.sweep()
        if self.alive:
            for listener in self.sockets:  # asyncio has set it to 100
                listener.sock.listen(self.cfg.backlog)
        else:  # the listeners are closed
            self.table.close_idle()
            self.asgi.hub.end_all()
