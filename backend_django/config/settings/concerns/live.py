"""Event streams: what has changed is told to open pages at once."""

from ..environment import env

# Turns event streams on. Without them, pages poll every two seconds.
LIVE_EVENTS = env.bool("LIVE_EVENTS", default=True)
# Changes that are kept for each user, for an hour, for pages that reconnect. A page that has missed
# more than 200 reloads everything.
LIVE_REPLAY = env.int("LIVE_REPLAY", default=250)
# The time between heartbeats of an idle stream, which keep proxies from closing it.
LIVE_HEARTBEAT_SECONDS = env.float("LIVE_HEARTBEAT_SECONDS", default=15)
