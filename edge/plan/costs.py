"""What the stages of one camera cost: CPU seconds of the threads that do them, measured and not guessed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Stage = Literal["capture", "decode", "gate", "detect", "rules", "evidence"]


class Costs:
    """The time card of one thread. Stages may lie within each other; each second counts once, for the innermost."""

    def __init__(self) -> None:
        self.seconds: dict[Stage, float] = {}
        self._stage: Stage | None = None
        self._since = 0.0

    @contextmanager
    def of(self, stage: Stage) -> Iterator[None]:
        """What runs inside is paid by `stage`."""
        before = self._stage
        self._turn(stage)
        try:
            yield
        finally:
            self._turn(before)

    def add(self, stage: Stage, seconds: float) -> None:
        """`stage` cost so much in another thread."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def _turn(self, stage: Stage | None) -> None:
        now = time.thread_time()
        if self._stage is not None:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
