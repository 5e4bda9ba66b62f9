"""Event streams: what has changed is told to open pages at once."""

from ..environment import env

# Whether there are any. Without them pages ask every two seconds, and nothing is published.
LIVE_EVENTS = env.bool("LIVE_EVENTS", default=True)
# Changes of each user that are kept, for an hour, for pages whose connection was lost meanwhile. A
# page that has missed more than 200 reads everything anew.
LIVE_REPLAY = env.int("LIVE_REPLAY", default=250)
# A stream on which nothing happens says so this often, so that no proxy takes it for dead.
LIVE_HEARTBEAT_SECONDS = env.float("LIVE_HEARTBEAT_SECONDS", default=15)
