"""How gunicorn serves the web process: `gunicorn -c backend_django/config/gunicorn.py …`.

Threads, not an event loop: the views are synchronous, and a slow upload holds one thread only.
"""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '5000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60  # a worker that does not report for this long is restarted; requests may last longer
graceful_timeout = 30
keepalive = 75  # longer than the idle time-out of the usual load balancers in front
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 (heartbeat file in memory)
control_socket_disable = True  # it would be written to $HOME, which a read-only image does not have
accesslog = "-" if os.environ.get("WEB_ACCESS_LOG") else None
