"""The view of the queue."""

from tests.guide import commands

PASSWORDS = {"flower_password": "$f'l\"o,w:e@r #%41"}
UPGRADE = "upgrade-flower"
SERVICE = (
    {"CELERY_FLOWER_PASSWORD": PASSWORDS["flower_password"]},
    commands("service-flower"),
)
