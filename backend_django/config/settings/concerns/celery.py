"""Celery: it is transport; the row in the database says what is true (docs/decisions/0002)."""

from typing import Any

from kombu import Queue

from ..environment import env
from .apps import TIME_ZONE
from .database import REDIS_URL
from .processing import PROCESSING_REAPER_SECONDS, PROCESSING_TIME_LIMIT_SECONDS

# The broker of messages to workers.
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True

# A message is acknowledged when its work is done, and one worker holds no more than it works on.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Seconds that the answer of a process which has ended is waited for.
CELERY_WORKER_LOST_WAIT = 2.0
# Jobs that one worker runs at once.
CELERY_WORKER_CONCURRENCY = env.int("CELERY_CONCURRENCY", default=2)
# The lease, not the connection to the broker, says whose work it is.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False

# The engine stops a job at its own limit; Celery's limits are the nets below it. Workers add what a
# kind may take longer (processing/worker.py).
CELERY_TASK_SOFT_TIME_LIMIT = PROCESSING_TIME_LIMIT_SECONDS + 60
CELERY_TASK_TIME_LIMIT = PROCESSING_TIME_LIMIT_SECONDS + 120
# In kilobytes: a process of a worker that has grown beyond this is replaced after its job.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.int("CELERY_MAX_MEMORY_PER_CHILD_KB", default=1_000_000)

# A worker serves them all unless `--queues` says otherwise; one that does not serve "processing"
# keeps short work from waiting behind long work (docs/decisions/0008). In "processing" and "short"
# are doorbells of requests alone; tasks of your own go to "default".
CELERY_TASK_QUEUES = [Queue(name) for name in ("processing", "short", "default", "maintenance")]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"backend_django.*.maintenance_*": {"queue": "maintenance"}}

# Connections to the database are kept for so many tasks; each task checks the one it finds.
CELERY_DB_REUSE_MAX = 100

# A message only says that there is something to do. So publishing it costs a web request a second
# at most (utils/broker_wait.py); without it the work is found a little later.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": CELERY_TASK_TIME_LIMIT + 60,
    "socket_connect_timeout": 1,
    "socket_timeout": 0.7,
    "socket_keepalive": True,
    "health_check_interval": 3,  # a worker that hears nothing for so long connects again
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0.2,
}
# A broker that answers with an error, such as a replica after a failover, is connected to again.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True

# Who watches the queue sees tasks from the moment they are sent.
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_SEND_SENT_EVENT = True

CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "backend_django.utils.beat:Scheduler"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "processing-reap": {
        "task": "backend_django.processing.tasks.maintenance_reap",
        "schedule": PROCESSING_REAPER_SECONDS,
        "options": {"queue": "maintenance"},
    },
    "processing-tidy": {
        "task": "backend_django.operations.tasks.maintenance_tidy",
        "schedule": 3600,
        "options": {"queue": "maintenance"},
    },
    "mail-send-due": {
        "task": "backend_django.mail.tasks.maintenance_send_due",
        "schedule": PROCESSING_REAPER_SECONDS,
        # Not "maintenance": while a mail server hangs, the reaper must not wait for it.
        "options": {"queue": "default"},
    },
    "mail-tidy": {
        "task": "backend_django.mail.tasks.maintenance_tidy_mail",
        "schedule": 3600,
        "options": {"queue": "maintenance"},
    },
    "audit-tidy": {
        "task": "backend_django.audit.tasks.maintenance_tidy_audit",
        "schedule": 3600,
        "options": {"queue": "maintenance"},
    },
    "users-tidy": {
        "task": "backend_django.users.tasks.maintenance_tidy_accounts",
        "schedule": 3600,
        "options": {"queue": "maintenance"},
    },
}
