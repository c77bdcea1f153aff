"""Heavy work in turns: one or a few at a time, a few more wait a little, and everybody else is told to come again.

Who waits holds one of the front's threads, and those are for everybody's pages: so only a few may.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from central.workflow.errors import Refused


class Busy(Refused):
    """Others are being served, and more wait: come again after `retry_s` seconds."""

    status = 503
    retry_s: Final = 10


class Turns:
    """`at_once` do it together, `waiting` more wait for them, each no longer than `wait_s` seconds."""

    def __init__(self, at_once: int = 1, waiting: int = 4, wait_s: float = 10.0) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._room = threading.BoundedSemaphore(at_once + waiting)
        self._wait_s = wait_s

    @contextmanager
    def one(self) -> Iterator[None]:
        """A turn, for the block. Raises Busy."""
        if not self._room.acquire(blocking=False):
            raise _busy()
        try:
            if not self._free.acquire(timeout=self._wait_s):
                raise _busy()
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._room.release()


def _busy() -> Busy:
    english = f"others are being served just now - come again in {Busy.retry_s} seconds"
    return Busy(english, "busy", seconds=Busy.retry_s)


__all__ = ["Busy", "Turns"]
