"""The polygons of one camera that matter for parking, and what each says of a vehicle that stands (domain D2)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from shapely import Point

from contract.site import PARKING_ZONES, Camera, Lane, Zone, ZoneType
from edge.rules import boxes
from edge.rules.calendar import Calendar
from edge.rules.ground import Plane
from edge.rules.stance import Area, Footprint, footprint_of

Array = NDArray[np.float64]

#: A vehicle is in a zone with this share of its footprint (domain D2), in a bay or queue with that.
IN_ZONE, IN_BAY = 0.6, 0.5
#: Own motion farther than this from the lane's or zone's direction is believed instead [rad] (domain D2: 45 degrees).
OBLIQUE = np.pi / 4


@dataclass(frozen=True, slots=True)
class Place:
    """One polygon of the site file with its hours."""

    zone: Zone
    area: Area
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Standing:
    """What the site says of a vehicle that stands somewhere.

    Shares of its footprint by number of the parking zone, and the bays and queue areas that most of it stands in.
    """

    footprint: Footprint
    shares: tuple[tuple[int, float], ...]
    bays: tuple[int, ...]
    queues: tuple[int, ...]


class Kerb:
    """Parking zones, bays, queue areas, ignored areas and running lanes of one camera."""

    def __init__(
        self,
        camera: Camera,
        zone_info: ZoneInfo,
        wall: Callable[[float], datetime],
        plane: Plane,
        country: str | None = None,
    ) -> None:
        self._plane, self._frame = plane, camera.frame
        places = [
            Place(zone, Area.of(zone.polygon, plane), Calendar(zone.hours, zone_info, wall, country))
            for zone in camera.zones
        ]
        self.zones = [place for place in places if place.zone.type in PARKING_ZONES]
        self.bays = [place for place in places if place.zone.type is ZoneType.PARKING_BAY]
        self.queues = [place for place in places if place.zone.type is ZoneType.QUEUE_AREA]
        hidden = {ZoneType.IGNORE, ZoneType.PRIVACY_MASK}
        self._hidden = [place.area.image for place in places if place.zone.type in hidden]
        self.lanes = [(lane, Area.of(lane.polygon, plane)) for lane in camera.lanes]

    def hides(self, box: Array) -> bool:
        """Whether the foot point of a box (4,) px is in an ignored or masked area."""
        return bool(self._hidden) and any(area.contains(_foot(box)) for area in self._hidden)

    def standing(self, box: Array, kind: int, course: float | None) -> Standing:
        """Where a box (4,) px of class `kind` stands; `course` is its own heading [rad on the road], if seen."""
        footprint = self._footprint(box, kind, self._heading(box, course))
        shares = [(number, footprint.share_in(place.area)) for number, place in enumerate(self.zones)]
        return Standing(
            footprint,
            tuple((number, share) for number, share in shares if share > 0),
            _mostly_in(footprint, self.bays),
            _mostly_in(footprint, self.queues),
        )

    def off_the_running_lanes(self, box: Array, kind: int) -> bool:
        """Whether most of a vehicle is in a parking zone or bay, so that it is no part of the running traffic."""
        footprint = self._footprint(box, kind, None)
        return bool(_mostly_in(footprint, self.zones) or _mostly_in(footprint, self.bays))

    def in_lane(self, box: Array, kind: int, number: int) -> bool:
        """Whether a vehicle is in the running lane of that number."""
        lane, area = self.lanes[number]
        heading = _lane_heading(lane, area, self._plane) if self._plane.calibrated else None
        return self._footprint(box, kind, heading).middle_in(area)

    def heading_of_zone(self, number: int) -> float | None:
        """Direction of a parking zone's long side on the road [rad]."""
        return self.zones[number].area.long_axis()

    def _footprint(self, box: Array, kind: int, heading: float | None) -> Footprint:
        way = None
        if not self._plane.calibrated:
            foot = boxes.feet(box[None])[0]
            beside = self._beside(box)
            way = None if beside is None else beside.way_at(foot)
        return footprint_of(box, kind, heading, self._plane, self._frame, way)

    def _beside(self, box: Array) -> Area | None:
        """The lane in which a box stands, else the zone or bay nearest to it and no farther than its width."""
        foot = _foot(box)
        drawn = next((area for _, area in self.lanes if area.image.covers(foot)), None)
        if drawn is not None:
            return drawn
        near = [(place.area.image.distance(foot), n) for n, place in enumerate((*self.zones, *self.bays))]
        distance, nearest = min(near, default=(math.inf, 0))
        return (*self.zones, *self.bays)[nearest].area if distance <= float(box[2] - box[0]) else None

    def _heading(self, box: Array, course: float | None) -> float | None:
        """Its lane's direction, else the long axis of the zone, unless its own motion was more than 45 degrees off."""
        if not self._plane.calibrated:
            return None
        foot = _foot(box)
        drawn = next(
            (_lane_heading(lane, area, self._plane) for lane, area in self.lanes if area.image.covers(foot)), None
        )
        if drawn is None:
            beside = self._beside(box)
            drawn = None if beside is None else beside.long_axis()
        if course is None or drawn is None:
            return drawn if course is None else course
        off = abs((course - drawn + np.pi / 2) % np.pi - np.pi / 2)
        return course if off > OBLIQUE else drawn


def _lane_heading(lane: Lane, area: Area, plane: Plane) -> float | None:
    middle = area.image.centroid
    ends = plane.metres(np.array([[middle.x, middle.y], lane.towards], dtype=np.float64))
    way = ends[1] - ends[0]
    return float(np.arctan2(way[1], way[0])) if np.isfinite(way).all() else None


def _mostly_in(footprint: Footprint, places: Sequence[Place]) -> tuple[int, ...]:
    return tuple(number for number, place in enumerate(places) if footprint.share_in(place.area) >= IN_BAY)


def _foot(box: Array) -> Point:
    return Point(*boxes.feet(box[None])[0])
