"""How closely a camera with parking zones is looked at. Pure: what the gate and the detector say in, a choice out.

A camera lives on one look every two seconds. A vehicle that is at one place in two looks, or is missing from its place
in two, has come or gone: then both spans are decoded whole, so that the instants are as exact as at full rate. So is a
span in which a wait runs out, because nobody is accused but at a sighting. Traffic that only passes costs no more than
the look it is seen in.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.frames import VEHICLES, Detections
from edge.plan.choice import NOBODY, Boxes, Choice, Heed, matched
from edge.plan.gate import Change
from edge.plan.ground import Areas, Point
from edge.plan.heat import Heat

#: Boxes of one standing vehicle overlap at least so much (domain D2).
SAME_IOU = 0.5
#: From this share of its lower half on a box concerns a zone (a stay is told of from 10 % of the footprint on).
TOUCHES = 0.04
#: One that seems to have come is followed closely through at most so many spans until the rules have settled it.
SETTLE_SPANS = 2
#: A wait that has run out unproven is looked at closely for so long [s]; then keyframes must do.
OVERDUE_S = 8.0
#: One that no sighting has proved to stand for so long [s] is looked at closely, and again no sooner than that.
DOUBT_S, DOUBT_AGAIN_S = 5.0, 8.0
#: From this share of its lower half on a box stands in a bay.
IN_BAY = 0.5
#: Of one that stands still no more than this share of its windows changes between two looks [I].
STILL = 0.3
#: So many looks in a row are put off at most: who came behind passing traffic is seen within three looks.
PUT_OFF_MOST = 2
#: The jam veto needs so many vehicles beside the zone (domain D2), and one that passes undoes it for 20 s.
CROWD, FLOW_S = 3, 8.0


class ParkingPlan:
    """Decides about the spans of one camera, times rising: `first` before the detector is asked, then `second`."""

    def __init__(
        self,
        zones: Sequence[Sequence[Point]],
        heartbeat_s: float = 10.0,
        bays: Sequence[Sequence[Point]] = (),
        lanes: Sequence[Sequence[Point]] = (),
    ) -> None:
        """`zones`: polygons in px of `frame`; `heartbeat_s`: a detection at least so often, whatever the gate says.

        `bays` and `lanes` tell whose standing can make a jam: who is in no bay and, where lanes are drawn, in a lane.
        """
        self._areas, self._bays, self._lanes = Areas(zones), Areas(bays), Areas(lanes)
        self._heartbeat_s = heartbeat_s
        self._t_detected: float | None = None
        self._t_flow = self._t_doubt = -np.inf
        self._suspects: Boxes = NOBODY
        self._doubted: Boxes = NOBODY
        self._coming: Boxes = NOBODY
        self._spans_left = 0
        self._missing: Boxes = NOBODY
        self._gone: Boxes = NOBODY
        self._passed_over: Boxes = NOBODY
        self._before: Boxes = NOBODY
        self._crowded = False
        self._put_off = 0
        self.questioned = 0

    def first(self, t: float, change: Change, heed: Heed) -> Choice:
        """HOLD, DEFER, DETECT or STRETCH for the span that ends with the look at stream second `t`."""
        if self._t_detected is None:
            return Choice.DETECT
        if self._must_be_followed(t, heed):
            return Choice.STRETCH
        if self._must_be_known(t, heed) or change.camera_moved or any(change.settled):
            return Choice.DETECT
        if not any(change.changed):
            self._put_off = 0
            return Choice.HOLD
        # Traffic that passes nobody who stands: who stays will stand there in the next look as in this one.
        if any(one.stays for one in heed.standers) or self._put_off >= PUT_OFF_MOST:
            return Choice.DETECT
        self._put_off += 1
        return Choice.DEFER

    def second(self, t: float, seen: Detections, heed: Heed, heat: Heat | None = None) -> Choice:
        """DETECT, WAIT or STRETCH, now that `seen` (px of `frame`) was detected in the look at `t`.

        `heat`: where the picture changed since the look before; without it, nothing is known to have stood still. From
        here on `questioned` tells how many of the looks before this one may hold the arrival that is in question.
        """
        self._t_detected = t
        vehicles = _vehicles(seen)
        touching = self._areas.shares(vehicles).max(axis=1, initial=0.0) >= TOUCHES
        beside = vehicles[~touching & self._runs(vehicles)]
        self._crowded = len(beside) >= CROWD
        come = self._come(vehicles[touching], heed, heat)
        left = self._left(_boxes(heed, stays=True), vehicles)
        stirs = self._crowded and _waiting(heed) and self._stirs(t, beside, heed)
        self._before = beside
        self.questioned = self._put_off + (self.questioned + 1 if len(self._doubted) else 0)
        self._put_off = 0
        if come or left or stirs:
            return Choice.STRETCH
        return Choice.WAIT if len(self._suspects) or len(self._missing) else Choice.DETECT

    def stretched(self, t: float) -> None:
        """The span up to `t` was looked at whole."""
        self._t_flow = t if self._crowded else self._t_flow
        self._spans_left -= self._spans_left > 0

    def followed(self, t: float, seen: Detections) -> None:
        """The camera is watched closely for another reason up to `t`: what was suspected is known by now."""
        self._t_detected, self._before = t, _vehicles(seen)
        self._suspects = self._doubted = self._missing = self._coming = NOBODY
        self._put_off = self.questioned = 0
        self._spans_left = 0

    def _must_be_followed(self, t: float, heed: Heed) -> bool:
        """Whether the span up to `t` must be decoded whole, whatever its last picture shows."""
        if any(one.stays and not one.settled for one in heed.standers) or self._unsettled(heed):
            return True
        if any(one.expires is not None and t - OVERDUE_S <= one.expires <= t for one in heed.standers):
            return True
        return self._doubts(t, heed)

    def _must_be_known(self, t: float, heed: Heed) -> bool:
        """Whether the detector must be asked about the look at `t`, whatever the gate says."""
        open_question = len(self._suspects) > 0 or len(self._missing) > 0
        overdue = any(one.expires is not None and one.expires <= t for one in heed.standers)
        due = self._t_detected is None or t - self._t_detected >= self._heartbeat_s - 1e-3
        return open_question or overdue or due or (self._crowded and _waiting(heed))

    def _come(self, concerned: Boxes, heed: Heed, heat: Heat | None) -> bool:
        """Note who stands in the look without being known; True when somebody did so in the look before as well.

        Two vehicles of a flow may be at one place in two looks, and then the picture changed there: where it did, it
        takes a third look, for rain and a shaken camera change it too.
        """
        known = np.concatenate([_boxes(heed, stays=True), _boxes(heed, stays=False)])
        self._passed_over = self._passed_over[matched(self._passed_over, concerned, SAME_IOU)]
        strange = concerned[~matched(concerned, np.concatenate([known, self._passed_over]), SAME_IOU)]
        coming = matched(strange, self._coming, SAME_IOU)
        again = matched(strange, self._suspects, SAME_IOU)
        sure = again
        if heat is not None:
            sure = again & (~heat.moved(strange, STILL) | matched(strange, self._doubted, SAME_IOU))
            if self._put_off:  # it stood still since a look at which nobody asked who is there
                sure |= heat.still(strange, STILL)
        new = sure & ~coming
        if new.any():
            self._spans_left = SETTLE_SPANS
            self._coming = strange[sure | coming]
        self._suspects, self._doubted = strange[~(sure | coming)], strange[again & ~sure]
        return bool(new.any())

    def _left(self, standing: Boxes, vehicles: Boxes) -> bool:
        """Note who is missing from its place; True when it was so in the look before as well."""
        away = standing[~matched(standing, vehicles, SAME_IOU)]
        self._gone = self._gone[matched(self._gone, away, SAME_IOU)]
        away = away[~matched(away, self._gone, SAME_IOU)]
        again = matched(away, self._missing, SAME_IOU)
        self._gone = np.concatenate([self._gone, away[again]])
        self._missing = away[~again]
        return bool(again.any())

    def _doubts(self, t: float, heed: Heed) -> bool:
        """Whether looks alone no longer prove that somebody stands, and nobody looked closer lately."""
        doubtful = any(one.stays and t - one.proven > DOUBT_S for one in heed.standers)
        if not doubtful or t - self._t_doubt < DOUBT_AGAIN_S:
            return False
        self._t_doubt = t
        return True

    def _runs(self, boxes: Boxes) -> NDArray[np.bool_]:
        """Who may be part of the running traffic, (N,) bool."""
        runs: NDArray[np.bool_] = self._bays.shares(boxes).max(axis=1, initial=0.0) < IN_BAY
        if len(self._lanes):
            runs &= self._lanes.shares(boxes).max(axis=1, initial=0.0) >= TOUCHES
        return runs

    def _stirs(self, t: float, beside: Boxes, heed: Heed) -> bool:
        """Whether the traffic beside a waiting vehicle must be shown to the jam veto, which was not shown it lately.

        Somebody has stopped there, or one who stood has gone, or somebody drives past so many that stand.
        """
        if t - self._t_flow < FLOW_S:
            return False
        known = _boxes(heed, stays=False)
        still = matched(beside, self._before, SAME_IOU)
        stopped = bool((still & ~matched(beside, known, SAME_IOU)).any())
        off = bool((matched(known, self._before, SAME_IOU) & ~matched(known, beside, SAME_IOU)).any())
        return stopped or off or (len(known) >= CROWD and not bool(still.all()))

    def _unsettled(self, heed: Heed) -> bool:
        """Whether one that has come is not yet known to the rules as standing."""
        if not len(self._coming):
            return False
        known = np.array([one.box for one in heed.standers if one.settled]).reshape(-1, 4)
        still = self._coming[~matched(self._coming, known, SAME_IOU)]
        if not len(still) or self._spans_left <= 0:
            # What never comes to rest for the rules is looked at like all else from here on.
            self._passed_over = np.concatenate([self._passed_over, still])
            still = NOBODY
        self._coming = still
        return len(still) > 0


def _vehicles(seen: Detections) -> Boxes:
    rows = np.isin(seen.classes, list(VEHICLES))
    return seen.boxes[rows].astype(np.float64).reshape(-1, 4)


def _waiting(heed: Heed) -> bool:
    """Whether a clock runs that could accuse somebody."""
    return any(one.expires is not None for one in heed.standers)


def _boxes(heed: Heed, *, stays: bool) -> Boxes:
    """Anchors (N, 4) px of those that stand in or at a zone, or of those that stand elsewhere."""
    return np.array([one.box for one in heed.standers if one.stays is stays]).reshape(-1, 4)
