"""Limits of one client in the web process: time, connections, memory."""

import os

# A request's head (its first line and headers) must arrive within so many seconds.
HEAD_SECONDS = float(os.environ.get("WEB_HEAD_SECONDS", "15"))
# The slowest line that is served, in bytes a second: a body that arrives, or an answer that is
# taken, more slowly than this on the whole ends its connection. 50 MB may take 3.5 hours.
MIN_RATE = float(os.environ.get("WEB_MIN_BYTES_PER_SECOND", "4096"))
# So many seconds are given in addition.
RATE_GRACE_SECONDS = float(os.environ.get("WEB_RATE_GRACE_SECONDS", "30"))
# Connections of one address that may be sending a request at once. Beyond, the slowest is closed.
# It does not count behind a proxy (TRUSTED_PROXY_COUNT), which has its own.
SENDING_PER_ADDRESS = int(os.environ.get("WEB_SENDING_PER_ADDRESS", "100"))
# The same, of all addresses together.
SENDING = int(os.environ.get("WEB_SENDING", "2000"))
# A request that waited so many seconds for a thread is answered with 503.
QUEUE_SECONDS = float(os.environ.get("WEB_QUEUE_SECONDS", "10"))

METRICS_PORT = os.environ.get("METRICS_PORT", "")  # described in config/gunicorn.py
MEMORY_BYTES = 128 * 1024  # of a body; a larger one is kept in a file while it arrives
CHUNK_BYTES = 256 * 1024  # of an answer that is read while it is sent
LINGER_SECONDS = 5  # for what a client still sends after its answer
