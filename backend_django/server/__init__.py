"""How requests are read and answered: an event loop in front of Django's threads (decision 25)."""
