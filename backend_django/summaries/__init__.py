"""Summaries of texts: by a worker, or streamed while one watches (backend_fastapi)."""
