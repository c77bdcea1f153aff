"""Which pictures are due at a rate, by their stream time."""

import math


class Pace:
    """Lets pictures through at about `fps`, by their stream time, without drifting against the camera's own rate."""

    def __init__(self, fps: float, after: float | None = None) -> None:
        """`fps` of 0 lets nothing through; `after` is the stream second of a picture that was let through before."""
        self._step = 1 / fps if fps > 0 else math.inf
        self._next = -math.inf if after is None else after + self._step

    def wants(self, t: float) -> bool:
        """Whether the picture of stream second `t` is due."""
        if self._step is math.inf or t < self._next - self._step * 0.1:
            return False
        behind = self._next == -math.inf or t - self._next > self._step
        self._next = (t if behind else self._next) + self._step
        return True
