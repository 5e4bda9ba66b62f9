"""The server: an event loop that reads requests in front of Django's threads (decision 25)."""
