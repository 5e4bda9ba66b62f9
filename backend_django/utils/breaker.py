"""A circuit breaker: while a server hangs, one caller waits for it and all others fail at once."""

import threading
import time


class Breaker:
    """Remembers for `pause` seconds that a server did not answer.

    After the pause one caller may try again, with `probe` seconds to tell how it went. Without this
    every thread of a process would wait for the same server, and nothing would be served.
    """

    def __init__(self, *, pause: float = 1.5, probe: float = 4.0) -> None:
        self.pause, self.probe = pause, probe
        self._open_until = 0.0
        self._lock = threading.Lock()

    def allows(self) -> bool:
        """Return whether the server may be asked now."""
        if not self._open_until:  # the usual case, without a lock
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._open_until:
                return False
            self._open_until = now + self.probe
            return True

    def record_timeout(self, *, hangs: bool = True) -> None:
        """Note that the server did not answer; one that may be slow only keeps a breaker open."""
        if hangs or self._open_until:
            self._open_until = time.monotonic() + self.pause

    def record_answer(self) -> None:
        """Note that the server answered, be it with an error."""
        self._open_until = 0.0
