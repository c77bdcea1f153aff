"""Work of central that goes on beside its requests: a thread that does its rounds until it is stopped."""

import threading
from abc import ABC, abstractmethod

#: A round at hand may take so long to end; then the process goes without it. Seconds.
_END_S = 30.0


class Background(ABC):
    """One thread. `_work` runs in it, waits with `_stop` between rounds, and returns once that is set."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's; nothing runs before `start`."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round, or the step of a long one, that is at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_END_S)

    @abstractmethod
    def _work(self) -> None: ...


__all__ = ["Background"]
