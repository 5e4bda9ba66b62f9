"""The web process: `gunicorn -c backend_django/config/gunicorn.py …`.

An event loop reads requests and writes responses; Django runs in threads (decision 25). The limits
of what one client may take are in backend_django/server/limits.py.
"""

import os
import shutil
import tempfile
from typing import Any

from gunicorn import glogging

# The IP address to listen on.
_host = os.environ.get("HOST", "127.0.0.1")
# The port to listen on.
bind = [f"{_host}:{os.environ.get('PORT', '5000')}"]
# A second port with /metrics alone, open to anyone who reaches it: don't publish it.
if _metrics_port := os.environ.get("METRICS_PORT", ""):
    bind.append(f"{_host}:{_metrics_port}")
worker_class = "backend_django.server.worker.Worker"
# Web processes.
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
# Requests at once in each process.
threads = int(os.environ.get("WEB_THREADS", "8"))
# A process whose event loop is stuck for this long is replaced; requests may last longer. Nor is a
# body awaited longer of which nothing comes.
timeout = 45
# How long a stop waits for running requests. The container engine must wait longer.
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_SECONDS", "30"))
keepalive = 75  # longer than the idle time-out of the usual load balancers in front
limit_request_line = 8190  # bytes, the most there is; a longer one is answered with 414
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 # nosec B108 (in memory)
# Open connections of each process. Beyond, the one that has been idle the longest is closed.
worker_connections = int(os.environ.get("WEB_CONNECTIONS", "10000"))
backlog = 2048
asgi_loop = "asyncio"
asgi_lifespan = "off"  # Django's WSGI application has none
asgi_disconnect_grace_period = 0  # nothing is read for a client that is gone
control_socket_disable = True  # it would be written to $HOME, which a read-only image does not have
# Any value turns on a log line for each request.
accesslog = "-" if os.environ.get("WEB_ACCESS_LOG") else None


class Logger(glogging.Logger):
    """gunicorn's logger, which composes the line of a request also where nobody wants it."""

    def access(self, *args: Any) -> None:
        if accesslog:
            super().access(*args)


logger_class = Logger

# Where the processes count together.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-", dir=worker_tmp_dir)


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def child_exit(server: Any, worker: Any) -> None:
    """Forget what a process counted that is true only while it lives, however it ended."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def post_worker_init(worker: Any) -> None:
    """Remove what a process that was killed before this one left of uploads."""
    from backend_django.files.temporary import tidy_abandoned_uploads

    tidy_abandoned_uploads()


# As everything else: without secrets, and in production one JSON object a line.
_is_local = os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith(".local")
_formatter = f"backend_django.utils.logs.{'Plain' if _is_local else 'Json'}Formatter"
logconfig_dict: dict[str, Any] = {
    "formatters": {"console": {"()": _formatter}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "console"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "gunicorn.access": {
            "level": "INFO" if accesslog else "WARNING",
            "handlers": [],
            "propagate": True,
        },
    },
}
