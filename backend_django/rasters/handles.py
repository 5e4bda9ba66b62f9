"""Open files that the threads of a process share.

What GDAL has decoded stays with the handle that decoded it. A handle for each thread would decode
the blocks beneath neighbouring tiles once for each of them.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import rasterio

_PATIENCE = 0.25  # seconds to wait for the handle, before another one is opened

# glibc keeps what GDAL's cache has given back until all above it is free too, and may take new
# memory for blocks of another size: without this a process grows to twice the cache. Every so many
# reads, as it takes some milliseconds.
_TRIM_EVERY = 100
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
_reads = count(1)


class Handle:
    """The open dataset of a COG, for one thread at a time.

    Blocks are there, or decoded in a millisecond, so threads take turns. Where a disk takes longer,
    those that wait open the file themselves. It is closed when nothing refers to this any more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._dataset = self._open()

    @contextmanager
    def borrow(self) -> Iterator[Any]:
        """Lend the dataset, or another one of the same file."""
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                yield self._dataset
            finally:
                self._lock.release()
        else:
            with self._open() as dataset:
                yield dataset
        if _trim and next(_reads) % _TRIM_EVERY == 0:
            _trim(0)

    def _open(self) -> Any:
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
            return rasterio.open(self._path, driver="GTiff")
