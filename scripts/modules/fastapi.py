"""FastAPI beside Django: http://127.0.0.1:8080, or FASTAPI_PORT; in `make dev` behind Vite."""

from scripts.modules import ModuleProgram


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return the variables that tell Vite where it is."""
    return {"DEV_PROXY_FASTAPI": f"/api/v1/fast/ http://127.0.0.1:{settings['FASTAPI_PORT']}"}


PROGRAM = ModuleProgram(
    "fastapi",
    ("FASTAPI_PORT", 8080),
    ("backend_fastapi",),
    environment,
    "for scripts with a token; see docs/fastapi.md",
)
