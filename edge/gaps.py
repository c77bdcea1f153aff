"""What a box did not see, on record: parts that died or hung, and steps of its clock, as events and as figures."""

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import timedelta

from contract.events import CloudEvent, EventType, Gap, new_event, now
from edge import child
from edge.box import Folders
from edge.deliver.spool import Spool
from edge.lifemark import Absence

log = logging.getLogger("sightline.supervisor")
#: A clock that runs away from the monotonic one by this much between two turns was set, not slewed. Seconds.
STEP_S = 1.0
_MOST_WAITING = 1000


class GapBook:
    """Writes gaps of one box to its spool. What the disk refuses waits in memory and is tried again."""

    def __init__(self, edge_id: str, folders: Folders, cameras: Mapping[str, Sequence[str]]) -> None:
        """`cameras`: which cameras are not watched while a part is away."""
        self.count: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.clock_steps = 0
        self._edge_id = edge_id
        self._cameras = cameras
        self._spool = Spool(folders.spool)
        self._waiting: deque[CloudEvent] = deque(maxlen=_MOST_WAITING)
        self._refused = False
        self._lead = time.time() - time.monotonic()

    def gap(self, gap: child.Gap) -> None:
        """A part works again after `gap`."""
        lasted = gap.until - gap.since
        self.count[gap.part] += 1
        self.seconds[gap.part] += lasted
        log.warning("%s works again after %.1f s - %s", gap.part, lasted, gap.cause)
        self._put(gap.part, gap.cause, lasted)

    def absent(self, absence: Absence) -> None:
        """The box as a whole works again: all its cameras were not watched since `absence`."""
        lasted = time.monotonic() - absence.since
        log.warning("the box works again after %.1f s - %s", lasted, absence.cause)
        self._put("box", absence.cause, lasted)

    def turn(self) -> None:
        """Look whether the clock was set, and hand over what waits."""
        lead = time.time() - time.monotonic()
        step, self._lead = lead - self._lead, lead
        if abs(step) > STEP_S:
            self.clock_steps += 1
            which = "forward" if step > 0 else "back"
            log.warning("this machine's clock was set %s by %.1f s", which, abs(step))
            self._put("clock", f"this machine's clock was set {which} by {abs(step):.1f} s", 0.0, step)
        self._send()

    def _put(self, part: str, cause: str, lasted: float, step: float | None = None) -> None:
        at = now()
        data = Gap(
            edge_id=self._edge_id,
            part=part,
            cameras=list(self._cameras.get(part, ())),
            cause=cause[:300],
            at_from=at - timedelta(seconds=lasted),
            at_until=at,
            gap_s=round(lasted, 3),
            step_s=None if step is None else round(step, 3),
        )
        self._waiting.append(new_event(EventType.GAP, f"/edge/{self._edge_id}", at, data))
        self._send()

    def _send(self) -> None:
        while self._waiting:
            try:
                self._spool.put(self._waiting[0], {})
            except OSError as error:
                if not self._refused:
                    log.error("a gap cannot be put on record (%s) - free space on the disk", error.strerror)
                self._refused = True
                return
            self._refused = False
            self._waiting.popleft()


__all__ = ["STEP_S", "GapBook"]
