"""What deliver says of messages that it does not take: a line for each fault, and never a flood of lines."""

import logging
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger("sightline.deliver")

#: The same line is not said again for so long. Seconds.
QUIET_S: Final = 60.0
#: Most lines in that time: of one sender, whose ever new faults must not silence what is said of others, and in all.
MOST_OF_ONE: Final = 40
MOST: Final = 200


class Complaints:
    """Remembers what was said, and to whom; used by one thread. `sender` groups, it is not said.

    `clock` only ever goes forward (s): a box whose clock on the wall is set back would else be silent until it is again
    as late as it was.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def say(self, sender: str, line: str) -> None:
        """Log `line` unless it was said a moment ago or enough was."""
        now = self._clock()
        at = self._said.get((sender, line))
        if at is not None and now - at < QUIET_S:
            return
        if not self._room(sender):
            self._said = {one: at for one, at in self._said.items() if now - at < QUIET_S}
        if self._room(sender):
            log.warning("%s", line)
            self._said[sender, line] = now

    def _room(self, sender: str) -> bool:
        return len(self._said) < MOST and sum(one == sender for one, _ in self._said) < MOST_OF_ONE


__all__ = ["MOST", "MOST_OF_ONE", "QUIET_S", "Complaints"]
