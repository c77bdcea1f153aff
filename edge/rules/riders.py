"""Persons who are no pedestrians: on a cycle, aboard a vehicle, carried by another (domain section C2, exclusions)."""

from enum import Enum

import numpy as np

from edge.frames import MOTORCYCLE
from edge.rules.decision import Box
from edge.rules.ground import Plane
from edge.rules.movers import Group, Mover

#: C2: feet this share of the person's height above the wheels' lowest point, and this much horizontal overlap.
_LIFT = 0.08
_OVERLAP = 0.5
#: Wheels that roll at arm's length beside somebody on foot, nearer to the camera, stand lower in the image as well.
_BESIDE_M = 0.6
#: Nobody pushes a bicycle at this speed for long, m/s.
_PUSHED_MS = 2.2
#: So slowly hardly anybody keeps a bicycle upright, m/s; the wheels of who walks at this pace may be a little farther.
_UPRIGHT_MS, _FAR_BESIDE_M = 1.3, 0.75
_STRIDE_S = 1.0
#: A walker does not keep this speed, m/s; whoever does rides something, detected or not.
RIDING_MS = 4.5


class Riding(Enum):
    """Whether somebody is on wheels; PERHAPS when riding and pushing would look the same."""

    NO = 0
    PERHAPS = 1
    YES = 2


def riding(person: Mover, movers: list[Mover], since: float, plane: Plane) -> Riding:
    """On a bicycle or motorcycle in at least half of the joint sightings; walking beside the wheels is not riding.

    Feet that C2's 8 % of height lifts above the wheels may also stand on the road behind them. Where they would stand
    within an arm's length of the wheels and the pace is a walker's, nobody can tell.
    """
    own = {t: box for t, box in zip(person.times, person.boxes, strict=True) if t >= since}
    found = Riding.NO
    for other in movers:
        if other.group is Group.CYCLE or other.kind == MOTORCYCLE:
            joint = [
                (t, own[t], box)
                for t, box in zip(other.times, other.boxes, strict=True)
                if t in own and _near(own[t], box)
            ]
            mounted = sum(_on(box, wheels) for _, box, wheels in joint)
            if len(joint) >= max(3, 0.2 * len(own)) and mounted >= len(joint) / 2:
                gap = _gap_m([(box, wheels) for _, box, wheels in joint], plane)
                pace = _pace(person, joint[0][0], joint[-1][0])
                reach = _FAR_BESIDE_M if pace < _UPRIGHT_MS else _BESIDE_M
                pushed = gap <= reach and pace < _PUSHED_MS
                found = max(found, Riding.PERHAPS if pushed else Riding.YES, key=lambda one: one.value)
    return found


def _gap_m(joint: list[tuple[Box, Box]], plane: Plane) -> float:
    """Metres on the road, along the line of sight, from the wheels to where the feet are if they stand on the road."""
    middle = [(person[0] + person[2]) / 2 for person, _ in joint]
    feet = plane.metres(np.array([(x, person[3]) for x, (person, _) in zip(middle, joint, strict=True)]))
    wheels = plane.metres(np.array([(x, below[3]) for x, (_, below) in zip(middle, joint, strict=True)]))
    return float(np.median(np.hypot(*(feet - wheels).T)))


def _pace(person: Mover, first: float, last: float) -> float:
    """Upper quartile of the metres made in a second between two times; 0 when that is not long enough to tell."""
    times = np.array(person.times)
    mine = (times >= first) & (times <= last)
    t, xy = times[mine], np.array(person.anchors)[mine]
    later = np.searchsorted(t, t + _STRIDE_S)
    pairs = np.flatnonzero(later < len(t))
    if len(pairs) == 0:
        return 0.0
    way, time = xy[later[pairs]] - xy[pairs], t[later[pairs]] - t[pairs]
    return float(np.quantile(np.hypot(*way.T) / time, 0.75))


def aboard(person: Mover, movers: list[Mover], since: float) -> bool:
    """Driver or passenger: inside a vehicle's box, feet well above its wheels, almost whenever both are seen."""
    own = {t: box for t, box in zip(person.times, person.boxes, strict=True) if t >= since}
    for other in movers:
        if other.group is not Group.VEHICLE or other.kind == MOTORCYCLE:
            continue
        joint = [(own[t], box) for t, box in zip(other.times, other.boxes, strict=True) if t in own]
        within = sum(_within(box, body) and body[3] - box[3] > 0.12 * (body[3] - body[1]) for box, body in joint)
        if len(joint) >= max(5, 0.6 * len(own)) and within >= 0.8 * len(joint):
            return True
    return False


def carried_by(person: Mover, others: list[Mover], since: float) -> bool:
    """A child in arms or in a pushchair: its box stays inside that of a clearly larger person. One person, not two."""
    own = {t: box for t, box in zip(person.times, person.boxes, strict=True) if t >= since}
    for other in others:
        if other.serial == person.serial:
            continue
        joint = [(own[t], box) for t, box in zip(other.times, other.boxes, strict=True) if t in own]
        held = sum(_within(box, body) and _height(box) < 0.75 * _height(body) for box, body in joint)
        if len(joint) >= max(5, 0.6 * len(own)) and held >= 0.8 * len(joint):
            return True
    return False


def too_fast(speeds: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> bool:
    """Faster than anyone walks or runs over a crossing, for most of the time."""
    return len(speeds) > 0 and float(np.median(speeds)) > RIDING_MS


def _height(box: Box) -> float:
    return box[3] - box[1]


def _overlap(a: Box, b: Box) -> float:
    """Horizontal overlap as a share of the narrower box."""
    shared = min(a[2], b[2]) - max(a[0], b[0])
    return max(0.0, shared) / max(min(a[2] - a[0], b[2] - b[0]), 1e-9)


def _near(person: Box, wheels: Box) -> bool:
    """One sighting of both together: touching side by side, the feet about where the wheels are."""
    return _overlap(person, wheels) > 0 and abs(wheels[3] - person[3]) < 0.6 * _height(person)


def _on(person: Box, wheels: Box) -> bool:
    return wheels[3] - person[3] >= _LIFT * _height(person) and _overlap(person, wheels) >= _OVERLAP


def _within(inner: Box, outer: Box) -> bool:
    """At least nine tenths of `inner` lies in `outer`."""
    width = min(inner[2], outer[2]) - max(inner[0], outer[0])
    height = min(inner[3], outer[3]) - max(inner[1], outer[1])
    area = (inner[2] - inner[0]) * (inner[3] - inner[1])
    return width > 0 and height > 0 and width * height >= 0.9 * area
