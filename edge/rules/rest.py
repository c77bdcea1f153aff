"""The standing of one vehicle at one place: where, since when, how surely, and what has been seen of it since."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edge.rules import boxes, stillness
from edge.rules.sighting import Sighting
from edge.rules.stillness import Yard

Array = NDArray[np.float64]

#: Sightings nearer together than this [s] add nothing to a median; motion is judged on the rest of them.
STEP_S = 0.1
#: Off its anchor for this long [s] and so many sightings, a vehicle has moved.
MOVED_S, MOVED_SIGHTINGS = 1.0, 3
#: Edges of a box agree, or do not, by these shares of the root of its area.
AGREES, DISAGREES = 0.06, 0.12
#: One edge is off by more than the second share while the others are as steady as the first: it is slightly hidden.
SLIGHTLY = 0.025, 0.045
#: Seen elsewhere, and for this long [s] not at its place, a vehicle has moved, however few the sightings.
OFF_S = 3.0
#: Shown otherwise than before, and the same, for this long [s], it is put where it is now seen to stand.
SHOWN_S = 4.0
#: The noise of a place is measured anew every so many sightings.
RELEARN_EVERY = 8
#: Of what is shown to less than this share of its box nobody can tell where it stands.
LEAST_SHOWN = 0.5
#: So many views of it, whole and half hidden, are remembered.
VIEWS_MOST = 4
#: So many changes of what is shown of it are remembered.
SEAMS_MOST = 40
#: The trail of a stay is thinned to at most this many points.
TRAIL_MOST = 120


@dataclass(slots=True)
class Rest:
    """A vehicle's standing at one place since `t_first` (stream s); the yard's origin is the anchor's foot point.

    `t_last` is the last sighting that proves it, `t_hint` the last at which at least a part of it was seen there,
    `t_off` the first since then at which it was seen, whole, elsewhere. `seams` are the instants from which
    more or less of it was seen than before, `views` are the boxes (4,) px that were its own between them.
    """

    t_first: float
    box: Array
    yard: Yard
    limit_m: float
    sigma_m: float
    t_last: float
    t_hint: float
    t_off: float | None = None
    outside_since: float | None = None
    outside: int = 0
    standing_now: bool = True
    sure: bool = True
    longest_gap_s: float = 0.0
    sightings: int = 0
    t_found: float = 0.0
    settled: bool = False
    centred: int = 0
    seams: list[float] = field(default_factory=list)
    views: list[Array] = field(default_factory=list)
    shown: list[Sighting] = field(default_factory=list)
    trail: list[tuple[float, Array]] = field(default_factory=list)
    _trail_step: float = STEP_S

    def moved(self, t: float) -> bool:
        """Whether by stream second `t` it has been seen off its anchor long enough."""
        if self.t_off is not None and t - self.t_off >= OFF_S - 1e-6:
            return True
        return self.outside_since is not None and self.outside >= MOVED_SIGHTINGS

    def add_trail(self, t: float, box: Array) -> None:
        """Remember one standing sighting; the trail grows sparser as the stay grows longer."""
        if self.trail and t - self.trail[-1][0] < self._trail_step - 1e-6:
            return
        self.trail.append((t, box))
        if len(self.trail) > TRAIL_MOST:
            self.trail = self.trail[::2]
            self._trail_step *= 2

    def recentre(self, recent: Iterable[Sighting]) -> None:
        """Twice at the beginning, at 8 and 16 sightings, put the anchor where those put it: three tell it badly."""
        if self.centred >= 2:
            return
        seen = np.array([sighting.box for sighting in recent if sighting.t >= self.t_first])
        if len(seen) >= RELEARN_EVERY * (self.centred + 1):
            self.centred += 1
            self.box = np.median(seen, axis=0)
            self.yard = replace(self.yard, origin=boxes.feet(self.box[None])[0])

    def relearn_noise(self, times: Array, places: Array, kind: int) -> None:
        """Now and then measure the noise anew: few sightings tell little of it, and light changes."""
        here = times >= self.t_first
        if self.sightings % RELEARN_EVERY == 0 and int(here.sum()) >= RELEARN_EVERY:
            self.sigma_m = stillness.noise(times[here], places[here], self.yard.expected_noise(self.box))
            self.limit_m = stillness.tolerance(kind, self.sigma_m)

    def seen_standing(self, t: float) -> None:
        """A sighting at `t` proves that it still stands."""
        self.longest_gap_s = max(self.longest_gap_s, t - self.t_last)
        self.t_last = self.t_hint = t
        self.sightings += 1
        self.standing_now = True
        self.t_off = self.outside_since = None
        self.outside = 0
        self.shown.clear()

    def is_slightly_hidden(self, box: Array) -> bool:
        """Whether `box` is its own but for a little of one edge, that is hidden or wavers.

        Three edges that agree so well prove that it stands; the fourth says nothing about where.
        """
        return boxes.one_edge_off(self.box, box, *SLIGHTLY) and not boxes.one_edge_off(
            self.box, box, SLIGHTLY[0], DISAGREES
        )

    def is_part(self, box: Array) -> bool:
        """Whether `box` is it shown otherwise: as in another of its views, or as in a view but for one edge."""
        if boxes.alike(self.box, box, AGREES):
            return False
        others = [view for view in self.views if view is not self.box]
        return any(boxes.alike(view, box, AGREES) for view in others) or any(
            boxes.one_edge_off(view, box, AGREES, DISAGREES) for view in (self.box, *others)
        )

    def show_otherwise(self, sighting: Sighting) -> bool:
        """Take a box of which `is_part` holds; True when that is how it is seen to stand from now on.

        Either more or less of it is shown than before, steadily: it came to rest half hidden, or another has stopped
        before it. Or it is shown again as it once was.
        """
        for view in self.views:
            if boxes.alike(view, sighting.box, AGREES):
                self._put(view, sighting.t)
                return True
        self.shown.append(sighting)
        middle = np.median([one.box for one in self.shown], axis=0)
        if not all(boxes.alike(middle, one.box, AGREES) for one in self.shown):
            self.shown = [sighting]
        if len(self.shown) < MOVED_SIGHTINGS or sighting.t - self.shown[0].t < SHOWN_S - 1e-6:
            return False
        whole = max(float(boxes.areas(view[None])[0]) for view in (self.box, *self.views))
        if boxes.areas(middle[None])[0] < LEAST_SHOWN * whole:
            return False
        self._put(middle, sighting.t)
        return True

    def _put(self, box: Array, t: float) -> None:
        others = [view for view in self.views if view is not box and view is not self.box]
        self.views = [*others, self.box, box][-VIEWS_MOST:]
        self.box = box
        self.seams = [*self.seams, t][-SEAMS_MOST:]
        self.yard = replace(self.yard, origin=boxes.feet(box[None])[0])
        self.seen_standing(t)
