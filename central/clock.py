"""What the time is in the office: the clock by which deadlines end and decisions are dated.

Everything about cases asks `office_now()`, so that tests with fixed dates can set it; logs, sessions and seals keep
the machine's own clock (`contract.events.now`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from contract.events import now

Clock = Callable[[], datetime]
_clock: Clock = now


def office_now() -> datetime:
    """The moment, aware, in UTC."""
    return _clock()


def set_clock(clock: Clock) -> Clock:
    """From now on the office goes by `clock`, which tells aware moments; returns the one before."""
    global _clock
    before, _clock = _clock, clock
    return before


@contextmanager
def clock_of(clock: Clock) -> Iterator[None]:
    """The office goes by `clock` within the block."""
    before = set_clock(clock)
    try:
        yield
    finally:
        set_clock(before)


__all__ = ["Clock", "clock_of", "office_now", "set_clock"]
