"""What the inference service says of itself: counts for `/metrics`, and whether it is too slow for its cameras."""

from collections import deque

from pydantic import BaseModel, ConfigDict

from contract.events import ModelRef

#: A camera counts as shed for so long after a look of it was late. Seconds.
SHED_S = 10.0


class CameraCount(BaseModel):
    """What one camera had of the service since it started."""

    model_config = ConfigDict(extra="forbid")

    looks: int = 0
    refused: int = 0
    late: int = 0
    waited_s: float = 0.0


class Stats(BaseModel):
    """Figures for `/metrics`: counts since the start, queue and its oldest look now, cpu seconds of the process.

    `per_look_s` is how long one picture lately took in its lane; `shedding` names the cameras of which a look was late
    within the last 10 s; `instructions` is what the network was compiled to (`avx512`, `avx2`...).
    """

    model_config = ConfigDict(extra="forbid")

    model: ModelRef
    pid: int
    up_s: float
    cpu_s: float
    clients: int
    lanes: int = 1
    instructions: str = ""
    looks: int
    failed: int
    late: int = 0
    queued: int
    oldest_s: float
    per_look_s: float = 0.0
    shedding: list[str] = []
    cameras: dict[str, CameraCount]


class Lateness:
    """Which cameras were passed over lately. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._recent: deque[float] = deque()
        self.count = 0

    def note(self, camera_id: str, now: float) -> None:
        """A look of a camera was late."""
        self.count += 1
        self._last[camera_id] = now
        self._recent.append(now)

    def cameras(self, now: float) -> list[str]:
        """Ids of the cameras that were passed over within SHED_S, by name."""
        return sorted(name for name, at in self._last.items() if now - at <= SHED_S)

    def recent(self, now: float) -> int:
        """How many looks were late within SHED_S."""
        while self._recent and now - self._recent[0] > SHED_S:
            self._recent.popleft()
        return len(self._recent)


__all__ = ["SHED_S", "CameraCount", "Lateness", "Stats"]
