"""What deliver says of messages that it does not take: a line for each fault, and never a flood of lines."""

import logging
from datetime import datetime, timedelta
from typing import Final

log = logging.getLogger("sightline.deliver")

#: The same line is not said again for so long.
QUIET: Final = timedelta(seconds=60)
#: Most lines in that time: of one sender, whose ever new faults must not silence what is said of others, and in all.
MOST_OF_ONE: Final = 40
MOST: Final = 200


class Complaints:
    """Remembers what was said, and to whom; used by one thread. `sender` groups, it is not said."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], datetime] = {}

    def say(self, sender: str, line: str, now: datetime) -> None:
        """Log `line`, at `now` by the box's clock, unless it was said a moment ago or enough was."""
        at = self._said.get((sender, line))
        if at is not None and now - at < QUIET:
            return
        if not self._room(sender):
            self._said = {one: at for one, at in self._said.items() if now - at < QUIET}
        if self._room(sender):
            log.warning("%s", line)
            self._said[sender, line] = now

    def _room(self, sender: str) -> bool:
        return len(self._said) < MOST and sum(one == sender for one, _ in self._said) < MOST_OF_ONE


__all__ = ["MOST", "MOST_OF_ONE", "QUIET", "Complaints"]
