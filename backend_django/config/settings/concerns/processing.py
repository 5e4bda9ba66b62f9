"""The life of a request: leases, limits and where its files are worked on. Times in seconds."""

import tempfile

from ..environment import env

# A worker says "still here" every heartbeat; a request nobody spoke for until its lease ran out
# is taken from its worker and tried again.
PROCESSING_LEASE_SECONDS = env.int("PROCESSING_LEASE_SECONDS", default=60)
# How often a worker says so.
PROCESSING_HEARTBEAT_SECONDS = env.int("PROCESSING_HEARTBEAT_SECONDS", default=3)
# How often the reaper looks for expired leases, and wakes workers for requests that wait.
PROCESSING_REAPER_SECONDS = env.int("PROCESSING_REAPER_SECONDS", default=30)
# How often a request is begun before it fails, when its workers die.
PROCESSING_MAX_ATTEMPTS = env.int("PROCESSING_MAX_ATTEMPTS", default=3)
# How long one attempt may take.
PROCESSING_TIME_LIMIT_SECONDS = env.int("PROCESSING_TIME_LIMIT_SECONDS", default=3600)
# A worker that is asked to stop gives what it works on this long to end, then gives it back.
PROCESSING_STOP_GRACE_SECONDS = env.int("PROCESSING_STOP_GRACE_SECONDS", default=20)
# Requests that run at once, of one user and in all; 0 means as many as there are workers.
PROCESSING_MAX_RUNNING_PER_USER = env.int("PROCESSING_MAX_RUNNING_PER_USER", default=0)
PROCESSING_MAX_RUNNING = env.int("PROCESSING_MAX_RUNNING", default=0)
# Finished requests, with their files, are removed after so many days; 0 keeps them for ever.
PROCESSING_RETENTION_DAYS = env.int("PROCESSING_RETENTION_DAYS", default=0)
# Storing a file that has arrived takes no longer than this; a process that died at it is cleaned
# up after.
PROCESSING_STORE_SECONDS = env.int("PROCESSING_STORE_SECONDS", default=900)
# A large file comes in chunks of this size.
PROCESSING_UPLOAD_CHUNK_BYTES = env.int("PROCESSING_UPLOAD_CHUNK_BYTES", default=16 * 1024**2)
# Chunks are kept for so long after the last one that came.
PROCESSING_UPLOAD_SECONDS = env.int("PROCESSING_UPLOAD_SECONDS", default=24 * 3600)
# Disk space that is left alone: below it nothing is accepted and nothing is begun.
PROCESSING_DISK_RESERVE_BYTES = env.int("PROCESSING_DISK_RESERVE_BYTES", default=200 * 1024**2)
# The largest file that is taken, unless a kind of job takes less.
PROCESSING_MAX_UPLOAD_BYTES = env.int("PROCESSING_MAX_UPLOAD_BYTES", default=4 * 1024**3)
# What one user may upload in a day (UTC); 0 means as much as they like.
PROCESSING_DAILY_UPLOAD_BYTES = env.int("PROCESSING_DAILY_UPLOAD_BYTES", default=20 * 1000**3)
# Processor time that the jobs of one user may take in a day (UTC), in seconds of one core; 0 means
# as much as they like.
PROCESSING_DAILY_CPU_SECONDS = env.int("PROCESSING_DAILY_CPU_SECONDS", default=4 * 3600)

# The largest result, as JSON, without its files.
PROCESSING_MAX_RESULT_BYTES = env.int("PROCESSING_MAX_RESULT_BYTES", default=1_000_000)

# Scratch space. On the same file system as MEDIA_ROOT a result is moved there, not copied.
PROCESSING_WORK_DIR = env("PROCESSING_WORK_DIR", default=tempfile.gettempdir())
