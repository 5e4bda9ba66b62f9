"""Event streams: tell the pages of a user what has changed, as soon as it has (decision 37).

A change is announced by the ids of what changed (publish.py). Each web process has one hub that
reads what to say from the database, as the API would say it, and sends it to the open streams.
"""
