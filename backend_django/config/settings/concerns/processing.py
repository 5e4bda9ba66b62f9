"""Requests: leases, limits and scratch space. Times are in seconds."""

import tempfile

from ..environment import env

# A worker renews its lease on a request with every heartbeat. When a lease expires, another worker
# takes the request.
PROCESSING_LEASE_SECONDS = env.int("PROCESSING_LEASE_SECONDS", default=60)
# The time between two heartbeats.
PROCESSING_HEARTBEAT_SECONDS = env.int("PROCESSING_HEARTBEAT_SECONDS", default=3)
# How often the reaper looks for expired leases, and wakes workers for pending requests.
PROCESSING_REAPER_SECONDS = env.int("PROCESSING_REAPER_SECONDS", default=30)
# Attempts after which a request fails if its workers die.
PROCESSING_MAX_ATTEMPTS = env.int("PROCESSING_MAX_ATTEMPTS", default=3)
# Time limit of one attempt, unless its kind has its own.
PROCESSING_TIME_LIMIT_SECONDS = env.int("PROCESSING_TIME_LIMIT_SECONDS", default=3600)
# How long a stopping worker may continue its work before it returns it.
PROCESSING_STOP_GRACE_SECONDS = env.int("PROCESSING_STOP_GRACE_SECONDS", default=20)
# Requests of one user that run at once; 0 sets no limit.
PROCESSING_MAX_RUNNING_PER_USER = env.int("PROCESSING_MAX_RUNNING_PER_USER", default=0)
# Requests of all users that run at once; 0 sets no limit.
PROCESSING_MAX_RUNNING = env.int("PROCESSING_MAX_RUNNING", default=0)
# How long finished requests and their files are kept; 0 keeps them forever.
PROCESSING_RETENTION_DAYS = env.int("PROCESSING_RETENTION_DAYS", default=0)
# Time limit for storing a file that has arrived. Afterwards, files of a process that died are
# removed.
PROCESSING_STORE_SECONDS = env.int("PROCESSING_STORE_SECONDS", default=900)
# Size of the chunks in which large files arrive.
PROCESSING_UPLOAD_CHUNK_BYTES = env.int("PROCESSING_UPLOAD_CHUNK_BYTES", default=16 * 1024**2)
# How long the chunks of an unfinished upload are kept after the last one.
PROCESSING_UPLOAD_SECONDS = env.int("PROCESSING_UPLOAD_SECONDS", default=24 * 3600)
# Disk space that is kept free. Below it no upload is accepted and no job starts.
PROCESSING_DISK_RESERVE_BYTES = env.int("PROCESSING_DISK_RESERVE_BYTES", default=200 * 1024**2)
# The largest file, unless its kind allows less.
PROCESSING_MAX_UPLOAD_BYTES = env.int("PROCESSING_MAX_UPLOAD_BYTES", default=4 * 1024**3)
# What one user may upload in a day (UTC); 0 sets no limit.
PROCESSING_DAILY_UPLOAD_BYTES = env.int("PROCESSING_DAILY_UPLOAD_BYTES", default=20 * 1000**3)
# Processor time that one user's jobs may take in a day (UTC), in seconds of one core; 0 sets no
# limit.
PROCESSING_DAILY_CPU_SECONDS = env.int("PROCESSING_DAILY_CPU_SECONDS", default=4 * 3600)

# The largest result, as JSON, without its files.
PROCESSING_MAX_RESULT_BYTES = env.int("PROCESSING_MAX_RESULT_BYTES", default=1_000_000)

# Scratch space. On the file system of MEDIA_ROOT, results are moved there instead of copied.
PROCESSING_WORK_DIR = env("PROCESSING_WORK_DIR", default=tempfile.gettempdir())
