"""`python -m backend_fastapi`: serve on HOST and FASTAPI_PORT, until SIGTERM.

FASTAPI_METRICS_PORT is a second port with nothing but metrics, for a Prometheus inside.
"""

import os

import uvicorn
from prometheus_client import start_http_server

from .app import application

# Seconds that a stop waits for streams; the container engine must wait longer.
GRACEFUL_SECONDS = 10


def main() -> None:
    host = os.environ.get("HOST", "127.0.0.1")
    if metrics_port := os.environ.get("FASTAPI_METRICS_PORT"):
        start_http_server(int(metrics_port), host)
    uvicorn.run(
        application,
        host=host,
        port=int(os.environ.get("FASTAPI_PORT", "8080")),
        http="h11",
        ws="none",
        log_config=None,  # Django's, without secrets
        access_log=False,
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXY_COUNT says whom to believe, as for Django
        limit_concurrency=2000,  # connections; one more is answered 503
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


if __name__ == "__main__":
    main()
