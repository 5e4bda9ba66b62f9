# The web process must know the Celery app too: without this import it would publish
# to Celery's default broker address instead of ours.
from .celery_app import app as celery_app

__all__ = ["celery_app"]
