"""The process beside web that streams."""

UPGRADE = "upgrade-fastapi"
