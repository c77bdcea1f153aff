"""One vehicle as the parking rule sees it: recent sightings, what class it is, and where it stands if it stands.

A vehicle outlives the track ids it had; `edge.rules.linking` decides which sighting is whose.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.rules import boxes, stillness
from edge.rules.ground import Plane
from edge.rules.rest import DISAGREES, MOVED_S, MOVED_SIGHTINGS, STEP_S, Rest
from edge.rules.sighting import Sighting
from edge.rules.stillness import Yard

Array = NDArray[np.float64]

#: Recent sightings are kept this long [s], and at least so many of them.
RECENT_S, RECENT_LEAST = 8.0, 16
#: A rest is believed when it has lasted this long [s] after it was found.
SETTLE_S = 1.0
#: No speed is told from sightings nearer together than this [s].
LEAST_SPEED_S = 0.7


@dataclass(slots=True)
class Vehicle:
    """A vehicle that lives from its first sighting until it is given up as gone."""

    key: int
    last: Sighting
    recent: deque[Sighting] = field(default_factory=deque)
    votes: dict[int, float] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    rest: Rest | None = None
    birth: Array = field(default_factory=lambda: np.zeros(4))
    t_birth: float = 0.0
    speed_mps: float | None = None
    plate: str | None = None
    color: str | None = None
    emergency: bool | None = None
    scores: tuple[float, int] = (0.0, 0)
    #: Its own heading on the road [rad], from the way it came; None when it was not seen driving far enough.
    course: float | None = None
    #: Whether its present rest has been looked at for what it means.
    looked_at: bool = False

    @classmethod
    def born(cls, key: int, sighting: Sighting) -> "Vehicle":
        """A vehicle seen for the first time."""
        new = cls(key, sighting, birth=sighting.box, t_birth=sighting.t)
        new._note(sighting)
        return new

    @property
    def kind(self) -> int:
        """The class most of its score speaks for."""
        return max(self.votes, key=lambda kind: (self.votes[kind], -kind))

    def share(self, kinds: frozenset[int]) -> float:
        """Share 0..1 of the score that speaks for these classes."""
        total = sum(self.votes.values())
        return sum(vote for kind, vote in self.votes.items() if kind in kinds) / total if total > 0 else 0.0

    @property
    def track_id(self) -> int:
        """The tracker's latest id for it."""
        return self.last.track_id

    @property
    def place(self) -> Array:
        """The box by which it is found again: its anchor's while it stands, else its last."""
        return self.last.box if self.rest is None else self.rest.box

    @property
    def mean_score(self) -> float:
        """Mean score of its sightings."""
        return self.scores[0] / self.scores[1] if self.scores[1] else 0.0

    @property
    def arrived(self) -> bool:
        """Whether it was seen coming: it was first seen at another place than where it stands."""
        return self.rest is not None and boxes.iou(self.birth, self.rest.box) < 0.5

    def _note(self, sighting: Sighting) -> None:
        self.last = sighting
        self.votes[sighting.kind] = self.votes.get(sighting.kind, 0.0) + sighting.score
        self.scores = (self.scores[0] + sighting.score, self.scores[1] + 1)
        if not self.ids or self.ids[-1] != sighting.track_id:
            self.ids.append(sighting.track_id)
            del self.ids[:-20]
        facts = sighting.facts
        self.plate, self.color = facts.plate or self.plate, facts.color or self.color
        self.emergency = facts.emergency if facts.emergency is not None else self.emergency
        if self.recent and sighting.t - self.recent[-1].t < STEP_S - 1e-6:
            return
        self.recent.append(sighting)
        while len(self.recent) > RECENT_LEAST and sighting.t - self.recent[0].t > RECENT_S:
            self.recent.popleft()

    def see(self, sighting: Sighting, plane: Plane) -> None:
        """Take the next sighting: it comes to rest, stands on, is half hidden, or moves off."""
        # What has not settled yet has no anchor to be shown a part of: its own noise would keep it from ever settling.
        if self.rest is not None and self.rest.settled and self.rest.is_slightly_hidden(sighting.box):
            self.last = sighting
            self.rest.seen_standing(sighting.t)
            return
        if self.rest is not None and self.rest.settled and self.rest.is_part(sighting.box):
            self.last = sighting
            if self.rest.show_otherwise(sighting):
                self.recent = deque([sighting])
                self.rest.add_trail(sighting.t, sighting.box)
            else:
                self.see_part(sighting.t)
            return
        recorded = len(self.recent), self.recent[-1].t
        self._note(sighting)
        fresh = (len(self.recent), self.recent[-1].t) != recorded
        if self.rest is None:
            if fresh:
                self._try_rest(plane)
        else:
            self._stand(sighting, self.rest, fresh)
            if fresh and not self.rest.settled:
                self._try_settle(plane)

    def see_part(self, t: float) -> None:
        """Half hidden or run together with a neighbour: not gone, but this proves no wait."""
        if self.rest is not None:
            self.rest.t_hint, self.rest.t_off = t, None
            self.rest.standing_now = False

    def unsettle(self) -> None:
        """Its standing has ended; it may come to rest again later."""
        self.rest = None
        self.speed_mps = None
        self.looked_at = False

    def absorb(self, other: "Vehicle") -> None:
        """`other` has turned out to be this one, seen under another id where it stands."""
        assert self.rest is not None and other.rest is not None
        self._inherit(other)
        if other.last.t > self.last.t:
            self.last, self.recent = other.last, other.recent
            if other.rest.standing_now:
                self.rest.seen_standing(other.last.t)

    def absorb_past(self, other: "Vehicle") -> None:
        """This one has turned out to be what stood here before under the name of `other`."""
        self._inherit(other)
        self.birth, self.t_birth = other.birth, other.t_birth

    def _inherit(self, other: "Vehicle") -> None:
        for kind, vote in other.votes.items():
            self.votes[kind] = self.votes.get(kind, 0.0) + vote
        self.ids = [*other.ids, *self.ids][-20:]
        self.plate, self.color = self.plate or other.plate, self.color or other.color
        self.emergency = other.emergency if self.emergency is None else self.emergency

    def _places(self, yard: Yard) -> tuple[Array, Array]:
        times = np.array([sighting.t for sighting in self.recent])
        return times, yard.metres(boxes.feet(np.array([sighting.box for sighting in self.recent])))

    def _try_rest(self, plane: Plane) -> None:
        """Look whether it has come to rest by now."""
        times = np.array([sighting.t for sighting in self.recent])
        since = stillness.rest_window(times)
        seen = np.array([sighting.box for sighting in self.recent])
        box = np.median(seen[-len(seen) // 2 if since is None else since :], axis=0)
        yard = Yard.around(box, self.kind, plane)
        times, places = self._places(yard)
        self._measure_speed(times, places)
        if since is None:
            return
        sigma = stillness.noise(times[since:], places[since:], yard.expected_noise(box))
        limit = stillness.tolerance(self.kind, sigma)
        if not stillness.at_rest(places[since:], limit, sigma):
            return
        self._learn_course(plane)
        first = stillness.first_standing(times, places, sigma)
        now = self.last.t
        self.rest = Rest(first, box, yard, limit, sigma, now, now, sightings=int((times >= first).sum()), t_found=now)
        self.speed_mps = 0.0
        for sighting in self.recent:
            if sighting.t >= first:
                self.rest.add_trail(sighting.t, sighting.box)

    def _try_settle(self, plane: Plane) -> None:
        """Rest is found while the last of the braking is still in the window: look again when it is out of it."""
        provisional = self.rest
        assert provisional is not None
        if provisional.settled or self.last.t - provisional.t_found < SETTLE_S - 1e-6:
            return
        provisional.settled = True
        self.rest = None
        self._try_rest(plane)
        if self.rest is None:
            self.unsettle()
        else:
            self.rest.settled = True

    def _learn_course(self, plane: Plane) -> None:
        """Its heading as it came, over the last way of more than two metres."""
        if not plane.calibrated:
            return
        road = plane.metres(boxes.feet(np.array([sighting.box for sighting in self.recent])))
        way = road[-1] - road
        far = np.flatnonzero(np.hypot(way[:, 0], way[:, 1]) > 2.0)
        if len(far):
            self.course = float(np.arctan2(*way[far[-1]][::-1]))

    def _measure_speed(self, times: Array, places: Array) -> None:
        """Speed over the last second or so, by the medians of its two halves."""
        since = int(np.searchsorted(times, times[-1] - 1.5))
        half = (len(times) - since) // 2
        if half < 1 or times[-1] - times[since] < LEAST_SPEED_S:
            return
        way = np.median(places[-half:], axis=0) - np.median(places[since : since + half], axis=0)
        took = np.median(times[-half:]) - np.median(times[since : since + half])
        self.speed_mps = float(np.hypot(*way) / took) if took > 0 else None

    def _stand(self, sighting: Sighting, rest: Rest, fresh: bool) -> None:
        raw = float(np.hypot(*rest.yard.metres(boxes.feet(sighting.box[None]))[0]))
        if raw <= rest.limit_m and rest.outside_since is None and not fresh:
            rest.seen_standing(sighting.t)
            rest.standing_now = rest.sure
            return
        rest.standing_now = False
        if rest.t_off is None and boxes.displaced(rest.box, sighting.box, DISAGREES):
            rest.t_off = sighting.t
        if not fresh:
            return
        times, places = self._places(rest.yard)
        away = float(np.hypot(*stillness.centre(times, places, sighting.t)))
        if away <= rest.limit_m and raw <= rest.limit_m * 1.5:
            rest.seen_standing(sighting.t)
            rest.add_trail(sighting.t, sighting.box)
            # A speed measured while it seemed to move off is no longer true.
            self.speed_mps = 0.0
            # Nobody is accused at a sighting in which the vehicle may already be rolling.
            since = int(np.searchsorted(times, sighting.t - stillness.EDGE_S - 1e-9))
            rest.sure = rest.standing_now = stillness.at_anchor(places[since:], rest.sigma_m)
            rest.recentre(self.recent)
            rest.relearn_noise(times, places, self.kind)
        elif away > rest.limit_m:
            rest.outside_since = sighting.t if rest.outside_since is None else rest.outside_since
            rest.outside += 1
            if sighting.t - rest.outside_since < MOVED_S - 1e-6:
                rest.outside = min(rest.outside, MOVED_SIGHTINGS - 1)
            self._measure_speed(times, places)

    def end_of_rest(self) -> float:
        """The last instant at which it provably stood, from the sightings around its departure."""
        assert self.rest is not None
        rest = self.rest
        times, places = self._places(rest.yard)
        found = stillness.last_standing(times, places, rest.sigma_m, rest.t_last)
        return rest.t_last if found is None else max(found, rest.t_first)
