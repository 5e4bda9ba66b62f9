"""The FastAPI process: how much at once, and for how long."""

from typing import Any

from backend_django.config.settings.environment import env


def configure(settings: dict[str, Any]) -> None:
    """Say what the process may take, and put its addresses into the API's document."""
    # Threads for the database, each with its own connection.
    settings["FASTAPI_THREADS"] = env.int("FASTAPI_THREADS", default=8)
    # Summaries that run at once; others wait, at most until their time limit.
    settings["FASTAPI_SUMMARIES"] = env.int("FASTAPI_SUMMARIES", default=2)
    # Calls to external services at once, of all lookups together.
    settings["FASTAPI_LOOKUPS"] = env.int("FASTAPI_LOOKUPS", default=32)
    # Lookups of one user, as calls/period.
    settings["API_RATES"]["lookups"] = env("API_RATE_LOOKUPS", default="60/minute")
    hooks = settings["SPECTACULAR_SETTINGS"]["POSTPROCESSING_HOOKS"]
    # After the one that makes the components anew, before those that add to all operations.
    after = hooks.index("drf_spectacular.hooks.postprocess_schema_enums") + 1
    hooks.insert(after, "backend_fastapi.schema.merge")
