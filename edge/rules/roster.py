"""Who stands where: vehicles and their stays, from sighting to sighting (domain D2).

This is the bookkeeping of facts - coming to rest, being hidden, shuffling, moving off - without any judgement; the law
is in `edge.rules.parking`. A stay is one stay, however many track ids it had.
"""

from collections.abc import Sequence

import numpy as np

from edge.rules import boxes
from edge.rules.ground import Plane
from edge.rules.kerb import Kerb
from edge.rules.linking import LONG_S, SAME_PLACE_IOU, compatible, link
from edge.rules.rest import AGREES, Rest
from edge.rules.sighting import Sighting
from edge.rules.sizes import size_of
from edge.rules.stay import Stay
from edge.rules.vehicle import Vehicle

#: A stay survives so long without sight [s] (domain D2); one that is already accused is waited for longer.
HIDDEN_S, ACCUSED_HIDDEN_S = 120.0, 1800.0
#: A moving vehicle unseen for this long is gone [s].
GONE_S = 5.0
#: Who has moved off is given this long [s] to turn out to have stood after all: a stolen id, boxes run together.
LEAVING_S = 10.0
#: While so much of its footprint is in the zone, a vehicle that moves has not left it.
STILL_IN = 0.3
#: A stay is told of from this share of the footprint on, if only to say why it was no offence.
TOUCHES = 0.1
#: Who comes to rest within this share of a vehicle's length of an unseen one's anchor has taken its place.
SAME_SPOT_LENGTHS = 0.35
#: An arrival takes the place of one that has not been seen for longer than this [s].
UNSEEN_S = 2.0

Ended = tuple[Stay, str]


class Roster:
    """The vehicles of one camera and the stays of those that stand in or at a parking zone."""

    def __init__(self, kerb: Kerb, plane: Plane) -> None:
        self._kerb, self._plane = kerb, plane
        self._born = 0
        self._t = 0.0
        self.vehicles: dict[int, Vehicle] = {}
        self.stays: dict[int, Stay] = {}

    def take(self, t: float, sightings: Sequence[Sighting]) -> list[Ended]:
        """Take the sightings of stream second `t`; the stays that have ended, and how: left or lost."""
        self._t = t
        ended = self._expire()
        links = link(list(self.vehicles.values()), sightings, t)
        for vehicle, sighting in links.whole:
            vehicle.see(sighting, self._plane)
        for vehicle in links.partly:
            vehicle.see_part(t)
        for sighting in links.fresh:
            self.adopt(Vehicle.born(self._born, sighting))
        for vehicle in list(self.vehicles.values()):
            if vehicle.key in self.vehicles:
                ended += self._settle(vehicle)
        return ended

    def adopt(self, vehicle: Vehicle, stay: Stay | None = None) -> None:
        """Enter a vehicle, with its stay if it has one."""
        vehicle.key = self._born
        self._born += 1
        self.vehicles[vehicle.key] = vehicle
        if stay is not None:
            self.stays[vehicle.key] = stay

    def end_all(self) -> list[Ended]:
        """The stream has ended: so do all stays."""
        ended = [(stay, "left" if stay.t_moving is not None else "stream_end") for stay in self.stays.values()]
        self.stays.clear()
        self.vehicles.clear()
        return ended

    def _expire(self) -> list[Ended]:
        """Give up vehicles that have been out of sight for too long."""
        ended = []
        for vehicle in list(self.vehicles.values()):
            stay = self.stays.get(vehicle.key)
            if vehicle.rest is None:
                if self._t - vehicle.last.t > (LEAVING_S if stay else GONE_S):
                    ended += self._forget(vehicle, "left")
                continue
            patience = ACCUSED_HIDDEN_S if stay and stay.accused else HIDDEN_S
            if self._t - vehicle.rest.t_hint > patience:
                ended += self._forget(vehicle, "lost")
        return ended

    def _forget(self, vehicle: Vehicle, how: str) -> list[Ended]:
        del self.vehicles[vehicle.key]
        return self._end(vehicle, how)

    def _end(self, vehicle: Vehicle, how: str) -> list[Ended]:
        stay = self.stays.pop(vehicle.key, None)
        return [] if stay is None else [(stay, how)]

    def _settle(self, vehicle: Vehicle) -> list[Ended]:
        """Follow one vehicle in and out of rest."""
        stay, rest = self.stays.get(vehicle.key), vehicle.rest
        if rest is None:
            return self._leaving(vehicle, stay)
        if rest.moved(self._t):
            if stay:
                stay.t_end, stay.t_moving = vehicle.end_of_rest(), self._t
            vehicle.unsettle()
            return []
        if not rest.settled:
            return []
        if stay is None:
            return [] if vehicle.looked_at else self._came_to_rest(vehicle, rest)
        return [] if stay.t_moving is None else self._rested_again(stay, vehicle, rest)

    def _leaving(self, vehicle: Vehicle, stay: Stay | None) -> list[Ended]:
        """One that has moved off has left when it is out of the zone, and stayed out for a while."""
        if stay is None or stay.t_moving is None or self._t - stay.t_moving < LEAVING_S:
            return []
        standing = self._kerb.standing(vehicle.last.box, vehicle.kind, vehicle.course)
        inside = any(number in stay.zones and share >= STILL_IN for number, share in standing.shares)
        return [] if inside else self._end(vehicle, "left")

    def _came_to_rest(self, vehicle: Vehicle, rest: Rest) -> list[Ended]:
        """Perhaps it is one that we know; else a stay begins, if it stands in or at a zone."""
        vehicle.looked_at = True
        ended: list[Ended] = []
        known = self._known_at(vehicle, rest)
        if known is not None and not vehicle.arrived and not self._rolled_in(known, vehicle, rest):
            return self._is_really(known, vehicle, rest)
        if known is not None and self._has_taken_the_spot(vehicle, rest, known):
            ended = self._forget(known, "lost" if known.rest else "left")
        standing = self._kerb.standing(rest.box, vehicle.kind, vehicle.course)
        if any(share >= TOUCHES for _, share in standing.shares):
            self.stays[vehicle.key] = Stay(vehicle, rest, standing, rest.t_first)
        return ended

    def _rolled_in(self, known: Vehicle, vehicle: Vehicle, rest: Rest) -> bool:
        """Whether one first seen on its last metre took the place of one long unseen: who stood there did not roll."""
        if known.rest is None or rest.t_first - known.rest.t_last <= LONG_S:
            return False
        return boxes.displaced(known.rest.box, vehicle.birth, AGREES)

    def _known_at(self, vehicle: Vehicle, rest: Rest) -> Vehicle | None:
        """The vehicle that stands, or has just been said to move off, where this one stands."""
        best, found = SAME_PLACE_IOU, None
        for other in self.vehicles.values():
            stay = self.stays.get(other.key)
            place = other.rest or (stay.rest if stay else None)
            if other is vehicle or place is None or not compatible(other, vehicle.last):
                continue
            overlap = boxes.iou(place.box, rest.box)
            if overlap >= best:
                best, found = overlap, other
        return found

    def _is_really(self, known: Vehicle, vehicle: Vehicle, rest: Rest) -> list[Ended]:
        """`vehicle` appeared, without arriving, where `known` stands: two cannot stand in one place, they are one."""
        stay = self.stays.pop(known.key, None)
        if known.rest is not None:
            known.absorb(vehicle)
            del self.vehicles[vehicle.key]
            if stay is not None:
                self.stays[known.key] = stay
        elif stay is not None:
            # What seemed to drive off was another thing under a stolen id.
            vehicle.absorb_past(known)
            stay.vehicle = vehicle
            self.stays[vehicle.key] = stay
            return self._rested_again(stay, vehicle, rest)
        return []

    def _has_taken_the_spot(self, vehicle: Vehicle, rest: Rest, known: Vehicle) -> bool:
        stay = self.stays.get(known.key)
        place = known.rest or (stay.rest if stay else rest)
        if known.rest is not None and self._t - known.rest.t_hint <= UNSEEN_S:
            return False
        offset = place.yard.metres(rest.yard.origin[None])[0]
        return float(np.hypot(*offset)) <= SAME_SPOT_LENGTHS * size_of(vehicle.kind).length

    def _rested_again(self, stay: Stay, vehicle: Vehicle, rest: Rest) -> list[Ended]:
        """It stands again: on its old anchor as if nothing had been, elsewhere in the zone with a new clock."""
        assert stay.t_moving is not None
        offset = float(np.hypot(*stay.rest.yard.metres(rest.yard.origin[None])[0]))
        if offset <= stay.rest.limit_m and self._t - stay.t_moving <= LEAVING_S:
            stay.resume(vehicle, rest)
            return []
        standing = self._kerb.standing(rest.box, vehicle.kind, vehicle.course)
        if not any(number in stay.zones and share >= STILL_IN for number, share in standing.shares):
            ended = self._end(vehicle, "left")
            vehicle.looked_at = False
            return ended + self._settle(vehicle)
        stay.shuffle(vehicle, rest, standing)
        return []
