"""One vehicle against one pedestrian: whether every element of domain section C2 holds, and if not, which does not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from edge.frames import BUS, TRUCK
from edge.rules.body import footprints, rectangles
from edge.rules.crossing import Crossing, crossing_of, walk_of
from edge.rules.crosswalk import Approach, Crosswalk
from edge.rules.decision import Number, Question
from edge.rules.drive import Drive, stopping_distance
from edge.rules.ground import Plane
from edge.rules.motion import runs
from edge.rules.movers import Group, Mover
from edge.rules.pet import post_encroachment
from edge.rules.riders import Riding, aboard, carried_by, riding, too_fast
from edge.rules.sight import visible_share

Array = NDArray[np.float64]

CLEARED_S = 3.0
SHORTEST_S = 1.0
VISIBLE_SHARE = 0.7
GAP_S = 1.0
GRACE_S = 1.5
#: So long before somebody enters the road it may be seen already who rides and who walks.
BEFORE_S = 2.0


@dataclass(frozen=True, slots=True)
class Matter:
    """A passage to be judged: `drive` along `approach`, over its stop line at `t2`, until `end`.

    `t3` is when the body left the crosswalk, None when that was not seen. `instants` are the times of all frames.
    """

    drive: Drive
    crosswalk: Crosswalk
    approach: Approach
    t2: float
    t3: float | None
    end: float
    instants: Array
    movers: list[Mover]
    plane: Plane
    max_pet_s: float | None = None

    @property
    def on_line(self) -> float:
        """The instant the front was on the stop line: between the last sighting before it and t2."""
        drive = self.drive
        at = drive.at(self.t2)
        before, after = (float(drive.past[max(at - 1, 0)]), float(drive.past[at]))
        if not before <= 0 < after:
            return self.t2
        share = before / (before - after)
        return float(drive.t[at - 1] + share * (drive.t[at] - drive.t[at - 1]))


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one pedestrian. `weight` orders findings by how near they came to an accusation."""

    mover: Mover
    guilty: bool
    weight: int
    reason: str
    t1: float | None = None
    numbers: dict[str, Number] = field(default_factory=dict)
    unknown: tuple[Question, ...] = ()


BROKEN = Question("track", "The track broke: was it one vehicle and one pedestrian, crossing all the while?")
HIDDEN = Question("pedestrian_visible", "The pedestrian was hidden for part of the time: was it still crossing?")
WHEELS = Question("on_foot", "Does the person push the two-wheeler, and not ride it? Who pushes it is a pedestrian.")
BLOCKED = Question("driver_view", "A large vehicle stood between: could the driver see the pedestrian?")


def find(person: Mover, matter: Matter, since: float) -> Finding | None:
    """Judge one person; None when it was nowhere near the road while the vehicle passed."""
    walk = walk_of(person, matter.instants[matter.instants <= matter.end], since, matter.plane)
    if walk is None or walk.t[0] > matter.end or walk.t[-1] < matter.t2 - 20:
        return None
    crossing = crossing_of(walk, matter.crosswalk, matter.approach)
    if not _near(crossing, matter):
        return None
    on_wheels = riding(person, matter.movers, max(since, _on_road(crossing, matter) - BEFORE_S), matter.plane)
    excluded = _no_pedestrian(crossing, matter, since, on_wheels)
    if excluded:
        return Finding(person, False, 0, excluded)
    if person.last - person.times[0] < SHORTEST_S:
        return Finding(person, False, 1, "the pedestrian was seen for less than 1 s")
    finding = _elements(crossing, matter)
    return replace(finding, unknown=(*finding.unknown, WHEELS)) if on_wheels is Riding.PERHAPS else finding


def _on_road(crossing: Crossing, matter: Matter) -> float:
    """Since when the person has been on the crosswalk, as of t2: who waited before may have been somebody else."""
    stretches = [first for first, _ in runs(crossing.on_area) if crossing.walk.t[first] <= matter.t2]
    return float(crossing.walk.t[stretches[-1]]) if stretches else -np.inf


def _no_pedestrian(crossing: Crossing, matter: Matter, since: float, on_wheels: Riding) -> str | None:
    """Why this person does not count as a pedestrian; None when it does."""
    person = crossing.walk.mover
    speeds = crossing.walk.motion.speed[crossing.on_area]
    if too_fast(speeds) or on_wheels is Riding.YES:
        return "the person rides, and is no pedestrian"
    if aboard(person, matter.movers, since):
        return "the person sits in a vehicle"
    if carried_by(person, [mover for mover in matter.movers if mover.group is Group.PERSON], since):
        return "the person is carried by another and counts with that one"
    return None


def _near(crossing: Crossing, matter: Matter) -> bool:
    recent = crossing.walk.t >= matter.t2 - 20
    points = shapely.points(crossing.walk.motion.xy[recent])
    return len(points) > 0 and bool((shapely.distance(points, matter.crosswalk.area) < 3.0).any())


def _elements(crossing: Crossing, matter: Matter) -> Finding:
    """The elements of the offence in their order; the first that fails is the reason."""
    person = crossing.walk.mover
    interval = crossing.interval(matter.on_line, GRACE_S)
    if interval is None:
        return Finding(person, False, 2, _why_not(crossing, matter.on_line))
    t1 = max(interval[0], float(matter.drive.t[2]))
    numbers = _measured(crossing, matter, t1)
    excused = _excuse(crossing, matter, t1, numbers)
    if excused:
        return Finding(person, False, *excused, t1, numbers)
    return Finding(person, True, 9, "", t1, numbers, _open_questions(crossing, matter, t1, numbers))


def _excuse(crossing: Crossing, matter: Matter, t1: float, numbers: dict[str, Number]) -> tuple[int, str] | None:
    """(weight, sentence) of the first element that fails towards a pedestrian who was crossing at t2."""
    if t1 >= matter.t2:
        return 4, "the vehicle was not seen before the stop line in time"
    distance, needed, pet = numbers["distance_m"], numbers["d_stop_m"], numbers["pet_s"]
    if float(distance or 0) < float(needed or 0):
        return 5, f"when the pedestrian began to cross the vehicle could no longer stop ({distance} m < {needed} m)"
    if _gave_way(crossing, matter, t1):
        return 6, "the vehicle stood before the crosswalk and let the pedestrian go"
    if not _still_there(crossing, matter):
        return 3, "the pedestrian had cleared the lane more than 3 s before"
    if matter.max_pet_s is not None and isinstance(pet, float) and pet > matter.max_pet_s:
        return 5, f"the gap of {pet} s is over the site's max_pet_s {matter.max_pet_s}"
    return None


def _why_not(crossing: Crossing, t2: float) -> str:
    if crossing.walk.t[0] > t2 or crossing.walk.t[-1] < t2 - GRACE_S:
        return "the pedestrian was not there when the vehicle passed the stop line"
    now = crossing.index(t2)
    checks: list[tuple[Callable[[], bool], str]] = [
        (lambda: bool(crossing.turned[now]), "the pedestrian had turned back"),
        (lambda: not crossing.on_area[now] and not crossing.crossing[:now].any(), "the pedestrian was not on the road"),
        (lambda: not crossing.on_area[now], "the pedestrian had left the crosswalk"),
        (lambda: bool(crossing.leaving[now]), "the pedestrian had cleared the lane"),
        (lambda: not crossing.in_danger[now], "the pedestrian was not in the lane's danger zone"),
    ]
    for check, sentence in checks:
        if check():
            return f"{sentence} when the vehicle passed the stop line"
    return "the pedestrian was not (yet) crossing when the vehicle passed the stop line"


def _measured(crossing: Crossing, matter: Matter, t1: float) -> dict[str, Number]:
    """The figures that decide, rounded as they are printed: metres, seconds, km/h."""
    drive = matter.drive
    past = float(np.interp(t1, drive.t, drive.past))
    speed = drive.speed_at(t1)
    frames = matter.instants[(matter.instants >= t1) & (matter.instants <= matter.t2)]
    pet = post_encroachment(crossing, matter.drive, matter.approach)
    between = (drive.t >= t1) & (drive.t <= matter.end)
    return {
        "pedestrian_id": crossing.walk.mover.id,
        "t1_s": round(t1, 3),
        "speed_kmh": round(speed * 3.6, 1),
        "distance_m": round(-past, 2),
        "d_stop_m": round(stopping_distance(speed), 2),
        "slowest_kmh": round(float(drive.speed[between].min() * 3.6), 1) if between.any() else None,
        "visible_share": round(visible_share(crossing.walk.mover, frames, matter.movers), 2),
        "pet_s": None if pet is None else round(pet, 2),
    }


def _gave_way(crossing: Crossing, matter: Matter, t1: float) -> bool:
    """C2 element 4: stood before C, and on entering it the pedestrian was outside K moving away, or had turned back."""
    entered = matter.drive.entered(matter.t2)
    stopped = matter.drive.stood(t1, entered if entered is not None else matter.end)
    if entered is None:
        return stopped and matter.t3 is None
    if not stopped or crossing.walk.t[-1] < entered - GRACE_S:
        return False
    now = crossing.index(entered)
    return bool(crossing.leaving[now] or (crossing.turned[now] and not crossing.crossing[now]))


def _still_there(crossing: Crossing, matter: Matter) -> bool:
    """C2 element 3: at t3 the pedestrian is still on C or cleared K at most 3 s before; unseen counts as there."""
    end = matter.t3 if matter.t3 is not None else matter.end
    now = crossing.index(end)
    if crossing.on_area[now] or crossing.in_cell[now]:
        return True
    held = np.flatnonzero(crossing.in_cell[: now + 1] | crossing.crossing[: now + 1])
    return len(held) > 0 and end - float(crossing.walk.t[held[-1]]) <= CLEARED_S


def _open_questions(crossing: Crossing, matter: Matter, t1: float, numbers: dict[str, Number]) -> tuple[Question, ...]:
    questions = []
    drive = matter.drive
    seen = crossing.walk.t[crossing.walk.seen]
    if not drive.unbroken(t1, matter.t2, GAP_S) or _widest_gap(seen, t1, matter.t2) > GRACE_S:
        questions.append(BROKEN)
    if float(numbers["visible_share"] or 0) < VISIBLE_SHARE:
        questions.append(HIDDEN)
    if _blocked(crossing, matter, t1):
        questions.append(BLOCKED)
    return tuple(questions)


def _widest_gap(times: Array, first: float, last: float) -> float:
    inside = times[(times > first) & (times < last)]
    return float(np.diff(np.concatenate([[first], inside, [last]])).max())


def _blocked(crossing: Crossing, matter: Matter, t1: float) -> bool:
    """A bus or truck between the vehicle's front and the pedestrian at t1."""
    drive, approach = matter.drive, matter.approach
    at = drive.at(t1)
    here = crossing.walk.motion.xy[crossing.index(t1)]
    sight = shapely.LineString([drive.front[at] + approach.direction * 0.5, here])
    own = shapely.Polygon(rectangles(drive.motion.xy[at : at + 1], approach.direction, drive.mover.size)[0])
    for other in matter.movers:
        if other.kind not in (BUS, TRUCK) or other.serial == drive.mover.serial:
            continue
        near = int(np.argmin(np.abs(np.array(other.times) - t1)))
        if abs(other.times[near] - t1) > 0.5:
            continue
        middle = footprints(np.array([other.boxes[near]]), approach.direction, other.size, matter.plane).middle
        body = shapely.Polygon(rectangles(middle, approach.direction, other.size)[0])
        if body.intersects(sight) and body.intersection(own).area < 0.3 * own.area:
            return True
    return False
