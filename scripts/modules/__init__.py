"""Programs that modules add to `make run`: each file but this one has a PROGRAM."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple


class ModuleProgram(NamedTuple):
    """One more program beside web, worker and beat, with an address of its own.

    port: the setting of its port, and the port when nothing is set; command: what follows
    `python -m`; environment: what it needs, from the settings of this machine with that port,
    raising UsageError when one is missing; words: what the person is told about its address.
    """

    name: str
    port: tuple[str, int]
    command: tuple[str, ...]
    environment: Callable[[dict[str, str]], dict[str, str]]
    words: str


def module_programs() -> list[ModuleProgram]:
    """Return the programs of the modules that are there."""
    folder = Path(__file__).parent
    names = sorted(path.stem for path in folder.glob("[!_]*.py"))
    return [import_module(f"{__name__}.{name}").PROGRAM for name in names]
