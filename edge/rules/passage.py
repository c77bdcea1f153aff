"""One vehicle's way over a crossing, followed live: before the stop line, past it (t2), off the crosswalk (t3) or lost.

What is live is kept simple; the judgement looks back over the whole smoothed drive once the passage has ended.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edge.rules.body import at_edge
from edge.rules.crosswalk import Approach, Crosswalk
from edge.rules.drive import STANDING_MS, Drive, drive_of
from edge.rules.ground import Plane
from edge.rules.movers import Mover

#: A vehicle unseen for longer is lost; a standing one may be hidden for longer (a queue, a bus before it).
LOST_S = 2.0
LOST_STANDING_S = 12.0
#: One that drove out of the picture does not come back from behind something; so many scenes must lack it.
LOST_GONE_S, GONE_SCENES = 0.8, 3
_TAIL_S = 2.5
_NEAR_M = 40.0
_ASIDE_M = 1.5
#: Stretch round the stop line in which the live look is taken, beside the vehicle's own length.
_BEFORE_M = 4.0
_BEYOND_M = 15.0
_SURE_M = 0.2
_BACK_M = 0.7


class Step(StrEnum):
    """What one look at a passage showed."""

    NOTHING = "nothing"
    PASSED = "passed"
    LEFT = "left"
    BACK = "back"
    LOST = "lost"


def passage_name(zone_id: str, lane_id: str, t: float) -> str:
    """What one passage is called; two crosswalks of a camera may have lanes of one name."""
    return f"{zone_id}/{lane_id}@{round(t * 1000)}"


@dataclass(slots=True)
class Passage:
    """State of one vehicle at one crossing. `t2` is set when its front has passed the stop line of `approach`.

    `name` is deterministic from the stream: crosswalk, lane and t2 in milliseconds of stream time. Nothing up to
    `since` (stream seconds) belongs to it: who comes over the crossing a second time makes a second passage.
    """

    mover: Mover
    zone_id: str
    since: float = -np.inf
    approach: Approach | None = None
    t2: float | None = None
    t3: float | None = None
    over: bool = False
    done: bool = False
    kept: bool = False
    lacking: int = 0

    @property
    def name(self) -> str:
        """`zone/lane@t2_ms`; before t2 there is no passage to name."""
        return passage_name(self.zone_id, self.approach.lane_id if self.approach else "?", self.t2 or 0.0)

    def look(self, crosswalk: Crosswalk, plane: Plane, frame: tuple[int, int]) -> Step:
        """The vehicle was seen: what has it done?"""
        self.lacking = 0
        anchor = np.array(self.mover.anchors[-1])
        if len(self.mover.times) < 3 or float(np.hypot(*(anchor - crosswalk.middle))) > _NEAR_M:
            return Step.NOTHING
        if self.t2 is None or self.approach is None:
            return self._approaching(crosswalk, plane, frame)
        return self._passing(self.approach, self.t2, crosswalk, plane, frame)

    def unseen(self, now: float, frame: tuple[int, int]) -> Step:
        """The vehicle was not seen in this scene."""
        standing = float(np.hypot(*self.mover.pace())) < STANDING_MS
        self.lacking += 1
        left = self.lacking >= GONE_SCENES and self.gone(frame)
        patience = LOST_STANDING_S if standing else LOST_GONE_S if left else LOST_S
        return Step.LOST if now - self.mover.last > patience else Step.NOTHING

    def gone(self, frame: tuple[int, int]) -> bool:
        """Whether it was last seen at the edge of the frame, where a vehicle leaves the view."""
        return at_edge(self.mover.boxes[-1], frame)

    def _approaching(self, crosswalk: Crosswalk, plane: Plane, frame: tuple[int, int]) -> Step:
        anchor = np.array([self.mover.anchors[-1]])
        reach = self.mover.size.length + _BEFORE_M
        near = [lane for lane in crosswalk.approaches if -reach < lane.stop.past(anchor)[0] < reach + _BEYOND_M]
        since = max(self.mover.last - _TAIL_S, self.since)
        driven = [(lane, drive_of(self.mover, crosswalk, lane, plane, frame, since)) for lane in near]
        lanes = [(lane, drive) for lane, drive in driven if drive is not None and _with(lane, drive)]
        if not lanes:
            return Step.NOTHING
        lane, drive = min(lanes, key=lambda pair: _aside(*pair))
        t2 = _passed(drive) if _aside(lane, drive) <= _ASIDE_M else None
        if t2 is None:
            return Step.NOTHING
        self.approach, self.t2, self.over = lane, t2, False
        return Step.PASSED

    def _passing(
        self, approach: Approach, t2: float, crosswalk: Crosswalk, plane: Plane, frame: tuple[int, int]
    ) -> Step:
        drive = drive_of(self.mover, crosswalk, approach, plane, frame, self.mover.last - _TAIL_S)
        if drive is None:
            return Step.NOTHING
        self.over = self.over or bool((drive.over & (drive.t >= t2)).any())
        if self.over and not drive.over[-1]:
            if drive.beyond[-1]:
                out = np.flatnonzero(~drive.over & drive.beyond & (drive.t >= t2))
                self.t3 = float(drive.t[out[0]])
                return Step.LEFT
            if drive.past[-1] < -_BACK_M:
                return Step.BACK
        if not self.over and drive.past[-1] < -_BACK_M:
            return Step.BACK
        return Step.NOTHING


def _with(approach: Approach, drive: Drive) -> bool:
    """Whether it moves the way of the lane's traffic (or hardly at all)."""
    way = drive.motion.xy[-1] - drive.motion.xy[0]
    length = float(np.hypot(*way))
    return length < 0.5 or float(way @ approach.direction) > 0.5 * length


def _aside(approach: Approach, drive: Drive) -> float:
    """Metres between the middle of the front and the middle of the lane's cell, less half the lane: below 0 inside."""
    low, high = approach.span()
    place = float(np.median(drive.front[-5:] @ approach.across))
    return abs(place - (low + high) / 2) - (high - low) / 2


def _passed(drive: Drive) -> float | None:
    """t2: the first sighting past the stop line after one before it; None while that is not beyond doubt."""
    past = drive.past
    before = np.flatnonzero(past <= 0)
    if len(before) == 0 or before[-1] == len(past) - 1:
        return None
    first = int(before[-1]) + 1
    sure = past[-1] > _SURE_M or len(past) - first >= 3
    return float(drive.t[first]) if sure else None
