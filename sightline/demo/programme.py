"""What the virtual camera shows: the empty street, and in between one pass of the scene when it is asked for.

The programme has one time for all who watch, as a camera has: who joins in the middle of a pass sees its middle, and
a box that reconnects does not see it twice.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Showing:
    """The file being shown and how far into it we are, seconds. `looped` files begin again at their end."""

    file: Path
    position: float
    looped: bool


class Programme:
    """Quiet until `play`; then one pass, which begins when the first viewer comes."""

    def __init__(self, scene: Path, quiet: Path, duration: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._scene, self._quiet, self._duration, self._clock = scene, quiet, duration, clock
        self._waiting = False
        self._began: float | None = None
        self.passes = 0

    def play(self) -> bool:
        """Show the scene to the next viewer who comes. False while a pass is running or already waiting."""
        if self._waiting or self.running:
            return False
        self._waiting, self._began = True, None
        self.passes += 1
        return True

    @property
    def running(self) -> bool:
        """A pass has begun and is not over."""
        return self._began is not None and self._clock() - self._began < self._duration

    @property
    def waiting(self) -> bool:
        """A pass is asked for and nobody watches yet."""
        return self._waiting

    def join(self) -> Showing:
        """A viewer begins to watch now. The first one after `play` starts the pass."""
        if self._waiting:
            self._waiting, self._began = False, self._clock()
        return self.now()

    def now(self) -> Showing:
        """What is being shown, without starting anything (a waiting pass is shown from its beginning)."""
        if self._waiting:
            return Showing(self._scene, 0.0, looped=False)
        if self._began is not None and self.running:
            return Showing(self._scene, self._clock() - self._began, looped=False)
        return Showing(self._quiet, 0.0, looped=True)
