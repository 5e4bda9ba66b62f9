"""The processors there are, by name."""

from .processor import Processor

_processors: dict[str, type[Processor]] = {}


def register(processor: type[Processor]) -> type[Processor]:
    """Class decorator: make a processor known under its name."""
    if _processors.setdefault(processor.name, processor) is not processor:
        raise ValueError(f"two processors are called {processor.name!r}")
    return processor


def get_processor(name: str) -> type[Processor]:
    """Return the processor of that name; KeyError when its feature is gone."""
    return _processors[name]


def list_kinds() -> list[str]:
    """Return the names of all processors."""
    return list(_processors)


def all_processors() -> list[type[Processor]]:
    """Return every processor, sorted by name."""
    return [_processors[name] for name in sorted(_processors)]
