"""Limits of one client in the web process: time, connections, memory."""

import os

# A request's first line and headers must arrive within this time.
HEAD_SECONDS = float(os.environ.get("WEB_HEAD_SECONDS", "15"))
# A body or a response that is slower than this on the whole is cut off. 50 MB may take 3.5 hours.
MIN_RATE = float(os.environ.get("WEB_MIN_BYTES_PER_SECOND", "4096"))
# Additional time for each body or response.
RATE_GRACE_SECONDS = float(os.environ.get("WEB_RATE_GRACE_SECONDS", "30"))
# The longest that a client which was fast before may be slower than that.
SLOW_SECONDS = float(os.environ.get("WEB_SLOW_SECONDS", "600"))
# Connections of one IP address that may be sending a request at once. Beyond, the slowest is
# closed. Behind a proxy (TRUSTED_PROXY_COUNT) the proxy must limit them.
SENDING_PER_ADDRESS = int(os.environ.get("WEB_SENDING_PER_ADDRESS", "100"))
# The same, for all IP addresses together.
SENDING = int(os.environ.get("WEB_SENDING", "2000"))
# How long a request waits for a thread before the response is 503.
QUEUE_SECONDS = float(os.environ.get("WEB_QUEUE_SECONDS", "10"))

METRICS_PORT = os.environ.get("METRICS_PORT", "")  # described in config/gunicorn.py
MEMORY_BYTES = 128 * 1024  # of a body; a larger one is kept in a file while it arrives
CHUNK_BYTES = 256 * 1024  # of an answer that is read while it is sent
LINGER_SECONDS = 5  # for what a client still sends after its answer
