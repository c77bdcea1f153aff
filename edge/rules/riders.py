"""Persons who are no pedestrians: on a cycle, aboard a vehicle, carried by another (domain section C2, exclusions)."""

import numpy as np

from edge.frames import MOTORCYCLE
from edge.rules.decision import Box
from edge.rules.movers import Group, Mover

#: C2: feet this share of the person's height above the wheels' lowest point, and this much horizontal overlap.
_LIFT = 0.08
_OVERLAP = 0.5
#: A walker does not keep this speed, m/s; whoever does rides something, detected or not.
RIDING_MS = 4.5


def rides(person: Mover, movers: list[Mover], since: float) -> bool:
    """On a bicycle or motorcycle in at least half of the joint sightings; walking beside the wheels is not riding."""
    own = {t: box for t, box in zip(person.times, person.boxes, strict=True) if t >= since}
    for other in movers:
        if other.group is Group.CYCLE or other.kind == MOTORCYCLE:
            joint = [
                (own[t], box)
                for t, box in zip(other.times, other.boxes, strict=True)
                if t in own and _near(own[t], box)
            ]
            mounted = sum(_on(box, wheels) for box, wheels in joint)
            if len(joint) >= max(3, 0.2 * len(own)) and mounted >= len(joint) / 2:
                return True
    return False


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
