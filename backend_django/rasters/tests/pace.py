"""How soon a page answers on a slow computer."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from playwright.sync_api import Page

THROTTLED = 4  # times slower than this machine
UNSEEN = float("inf")
LIMIT = 200  # milliseconds from an interaction to the next paint
TRIES = 20  # of each, until it is fast enough: other programs may delay some, but not all of them
WATCH = """
window.interactions = [];
new PerformanceObserver((list) => {
  for (const { interactionId, duration } of list.getEntries())
    if (interactionId) window.interactions.push(duration)
}).observe({ type: 'event', durationThreshold: 16 })
"""
FRAMES = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))"


@contextmanager
def slowed(page: Page) -> Iterator[None]:
    """Make the processor of a page slower. What it shows has to be loaded anew to be measured."""
    page.add_init_script(WATCH)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLED})
    yield
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})


class Pace:
    """Times of interactions, by name."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.times: dict[str, float] = {}

    def measure(self, what: str, *steps: Callable[[], object]) -> None:
        """Do the steps until each was fast enough; note the slowest of them at its fastest."""
        page = self.page
        fastest = [UNSEEN] * len(steps)
        for _ in range(TRIES):
            for place, step in enumerate(steps):
                page.evaluate("window.interactions.length = 0")
                step()
                page.evaluate(FRAMES)
                page.evaluate(FRAMES)
                seen = page.evaluate("window.interactions")  # none from a browser that is late
                if seen:
                    fastest[place] = min(fastest[place], max(seen))
            if max(fastest) < LIMIT:
                break
        # What takes less than 16 ms is not told at all.
        self.times[what] = max(0 if time == UNSEEN else time for time in fastest)

    def check(self) -> None:
        """Print the times, and fail with those that are too long."""
        say = partial(print, file=sys.stderr)
        say(f"\nmilliseconds to the next paint, {THROTTLED} times slower (limit {LIMIT}):")
        say(*(f"{time:6.0f}  {what}" for what, time in self.times.items()), sep="\n")
        assert {what: time for what, time in self.times.items() if time >= LIMIT} == {}
