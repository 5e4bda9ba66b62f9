"""Limits of a child process: an estimate may be wrong, the system's count is not."""

import math
import resource

_ROOM = 64 * 1024**2  # bytes, for headers and what compresses badly


def limit_cpu(seconds: float) -> None:
    """End this process when it has used that much processor time."""
    most = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 10))


def limit_files(pixel_bytes: int, growth: int = 2) -> None:
    """Let this process write no file much larger than pixels of that size can become."""
    largest = pixel_bytes * growth + _ROOM
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or largest < hard:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
