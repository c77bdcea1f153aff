"""What a worker says of one camera in its heartbeat: counts since it started, and where its processor time went."""

import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from edge.cameras.link import CameraLink
from edge.plan.costs import Costs
from edge.plan.counts import Counts

#: Of so many events it is remembered how late they were.
LATE_MOST = 200
_STAGES = ("decode", "gate", "detect", "rules", "evidence")


@dataclass(slots=True)
class Tally:
    """What the watch itself counts. `captured_s` is the processor time of the capture thread."""

    blind: int = 0
    events: int = 0
    packs: int = 0
    captured_s: float = 0.0


class Figures:
    """Counts of one camera since its worker started; times in seconds."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.counts = Counts()
        self.costs = Costs()
        self.late_s: deque[float] = deque(maxlen=LATE_MOST)

    def handed_over(self, wall: datetime) -> None:
        """An event was handed over that the picture of this wall clock decided."""
        self.late_s.append(round(time.time() - wall.timestamp(), 3))

    def beat(self, link: CameraLink, ring_bytes: int, behind_s: float, queue_age_s: float) -> dict[str, Any]:
        """The figures as of now, by the names that `docs/operations.md` lists."""
        counts = asdict(self.counts)
        t_looked = counts.pop("t_looked")
        looked_at = 0.0 if t_looked is None else round(link.clock.wall(t_looked).timestamp(), 3)
        tally = asdict(self.tally)
        spent = {f"cpu_{stage}_s": 0.0 for stage in _STAGES}
        spent |= {f"cpu_{stage}_s": round(seconds, 4) for stage, seconds in dict(self.costs.seconds).items()}
        spent["cpu_capture_s"] = round(tally.pop("captured_s"), 4)
        seen = {
            "packets": link.packets_seen,
            "bytes": link.bytes_seen,
            "losses": link.losses,
            "jumps": link.jumps,
            "ring_bytes": ring_bytes,
            "clock_offset_ms": link.clock.clock().offset_ms,
            "zone_looked_at": looked_at,
            "looked_at": looked_at,
            "behind_s": round(behind_s, 3),
            "queue_age_s": round(queue_age_s, 3),
            "late_s": list(self.late_s),
        }
        return counts | tally | spent | seen
