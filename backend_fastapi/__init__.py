"""An ASGI application beside Django's: the same users, policies and requests, for what streams."""
