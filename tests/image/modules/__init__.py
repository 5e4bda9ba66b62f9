"""What modules add to the deployments of these tests: each file here may have any of

BASES      images that the engine needs besides, as its kit calls them
SERVERS    services that are not of our image
PASSWORDS  files below secrets/ with what is hard to quote
SETTINGS   of production.env; {https_port} is that of nginx
SERVICE    settings and commands of containers without compose
UPGRADE    a block of the guide that a new release needs as well
PUT_TO     where a browser sends the chunks of an upload, as the first folder of the path
"""

from importlib import import_module
from pathlib import Path
from typing import Any


def additions(name: str) -> list[Any]:
    """Return the values of that name, of each module that has it."""
    files = sorted(Path(__file__).parent.glob("[!_]*.py"))
    modules = [import_module(f"{__name__}.{file.stem}") for file in files]
    return [getattr(module, name) for module in modules if hasattr(module, name)]
