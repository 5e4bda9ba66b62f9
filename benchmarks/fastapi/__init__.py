"""What a call of FastAPI costs beside one of Django REST framework."""
