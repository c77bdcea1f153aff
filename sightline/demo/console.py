"""What the demo says while it works: steps with the seconds they took, on standard error."""

import select
import sys
import time
from collections.abc import Callable


class Console:
    """One line a step, stamped with the seconds since the start."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return self._clock() - self._began

    def say(self, text: str) -> None:
        """A step, at once visible."""
        sys.stderr.write(f"[{self.seconds:5.1f} s] {text}\n")
        sys.stderr.flush()

    @staticmethod
    def plain(text: str) -> None:
        """A line without a stamp, for what a person shall copy."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    @staticmethod
    def enter_pressed() -> bool:
        """Whether a line was typed at the terminal since this was asked last."""
        if not sys.stdin.isatty() or not select.select([sys.stdin], [], [], 0)[0]:
            return False
        return bool(sys.stdin.readline())
