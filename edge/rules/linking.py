"""Which sighting is whose: by place first, by track id as a hint (domain D2, issue 3 item 1).

A standing vehicle is found again where it stood, whatever id the tracker gives it, unless somebody was seen arriving
there. A moving one, or one that has begun to move, is followed by its id while its box goes on evenly, and across a
change of id along its way. An id that jumps to a thing of another size or place is not believed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.rules import boxes
from edge.rules.following import on_the_way
from edge.rules.rest import AGREES, DISAGREES
from edge.rules.sighting import Sighting
from edge.rules.vehicle import Vehicle

Array = NDArray[np.float64]

#: Boxes of one standing vehicle overlap at least so much (domain D2).
SAME_PLACE_IOU = 0.5
#: A moving vehicle is followed across a change of id to a box that fits its way so well within that many seconds.
FOLLOW_IOU, FOLLOW_S = 0.3, 2.0
#: Who drives off under a new id is as large as it stood, within this factor of its area.
SAME_SIZE = 1.6
#: Seen at its place so lately [s], nobody else can have taken the place since.
FRESH_S = 2.0
#: Unproven for this long [s], a standing vehicle may have been followed by another in its place.
LONG_S = 5.0
#: The box of a followed thing changes its area by no more than this factor between sightings.
MOST_GROWTH = 2.5
#: A box inside another with this share of its area and two of its edges is a piece of the same vehicle.
PIECE_SHARE = 0.85
#: Edges of one vehicle agree within this share of the root of its box's area.
EDGE_SHARE = 0.08
_ID_BONUS = 0.3


@dataclass(slots=True)
class Links:
    """The outcome: whole sightings of known vehicles, partly seen ones, and sightings of new vehicles."""

    whole: list[tuple[Vehicle, Sighting]] = field(default_factory=list)
    partly: list[Vehicle] = field(default_factory=list)
    fresh: list[Sighting] = field(default_factory=list)


def link(vehicles: Sequence[Vehicle], sightings: Sequence[Sighting], t: float) -> Links:
    """Give each sighting of stream time `t` to a vehicle, or to nobody yet."""
    return _Linking(vehicles, sightings, t).run()


class _Linking:
    """One scene's linking; rows are vehicles, columns sightings."""

    def __init__(self, vehicles: Sequence[Vehicle], sightings: Sequence[Sighting], t: float) -> None:
        self._vehicles, self._sightings, self._t = vehicles, sightings, t
        self._seen = np.array([one.box for one in sightings]).reshape(-1, 4)
        self._places = boxes.iou_matrix(np.array([one.place for one in vehicles]).reshape(-1, 4), self._seen)
        self._lasts = boxes.iou_matrix(np.array([one.last.box for one in vehicles]).reshape(-1, 4), self._seen)
        self._holder = {one.track_id: row for row, one in enumerate(vehicles)}
        self._column = {one.track_id: column for column, one in enumerate(sightings)}
        self._taken: dict[int, int] = {}
        self._free = set(range(len(sightings)))

    def run(self) -> Links:
        """All passes, the surest first."""
        self._by_place()
        self._by_id()
        self._by_following()
        self._by_same_box()
        links = Links([(self._vehicles[row], self._sightings[column]) for row, column in self._taken.items()])
        pieces = self._pieces(links)
        links.fresh = [self._sightings[column] for column in sorted(self._free - pieces)]
        return links

    def _take(self, pairs: Iterable[tuple[float, int, int]]) -> None:
        """Greedily, the best pair first; equal ones in the order of rows and columns."""
        for _, row, column in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
            if row not in self._taken and column in self._free:
                self._taken[row] = column
                self._free.discard(column)

    def _by_place(self) -> None:
        """Standing vehicles, where they stood."""
        pairs = []
        for row, column in np.argwhere(self._places >= SAME_PLACE_IOU).tolist():
            vehicle, sighting = self._vehicles[row], self._sightings[column]
            if vehicle.rest is None or not compatible(vehicle, sighting) or self._is_anothers(row, column):
                continue
            bonus = _ID_BONUS if sighting.track_id == vehicle.track_id else 0.0
            pairs.append((float(self._places[row, column]) + bonus, row, column))
        self._take(pairs)

    def _is_anothers(self, row: int, column: int) -> bool:
        """Whether the sighting at this place is another vehicle passing by or arriving."""
        other = self._holder.get(self._sightings[column].track_id)
        if other is None:
            return self._still_rolls(row, column) or self._somebody_arrives(row, column) or self._was_followed(row)
        if other == row or not self._came_from_elsewhere(other, row) or not self._continues(other, column):
            return False
        if self._vehicles[other].rest is not None:
            gone = self._may_be_gone(row) and not self._is_seen_at_its_place(other)
            return gone and not (self._stood_just_now(other) and self._shown_as_it_stands(row, column))
        # Both are in sight and have only exchanged their ids: then the one that stood still stands.
        own = self._column.get(self._vehicles[row].track_id)
        swapped = own is not None and own != column and self._lasts[other, own] > self._lasts[other, column]
        lately = self._t - self._vehicles[row].last.t <= FRESH_S
        return not (lately and (swapped or self._shown_as_it_stands(row, column)))

    def _shown_as_it_stands(self, row: int, column: int) -> bool:
        """Whether a box is a standing vehicle's own, whole or but for one edge; a passer's id may have jumped to it."""
        rest, box = self._vehicles[row].rest, self._seen[column]
        if rest is None or rest.t_off is not None:
            return False
        return boxes.alike(rest.box, box, AGREES) or boxes.one_edge_off(rest.box, box, AGREES, DISAGREES)

    def _somebody_arrives(self, row: int, column: int) -> bool:
        """Whether one that was coming, and has lost its id just now, is the one at this place."""
        return self._may_be_gone(row) and any(
            self._has_lost_its_id(other)
            and vehicle.rest is None
            and self._came_from_elsewhere(other, row)
            and compatible(vehicle, self._sightings[column])
            and on_the_way(vehicle, self._seen[column][None], self._t)[0] >= SAME_PLACE_IOU
            for other, vehicle in enumerate(self._vehicles)
            if other != row
        )

    def _was_followed(self, row: int) -> bool:
        """Whether one that was seen to come stands in this place, and came after its vehicle was last seen there."""
        rest = self._vehicles[row].rest
        return rest is not None and any(
            vehicle.rest is not None
            and vehicle.rest.t_first > rest.t_hint + FRESH_S
            and boxes.iou(vehicle.rest.box, rest.box) >= SAME_PLACE_IOU
            and (vehicle.arrived or (self._long_unseen(row) and boxes.displaced(rest.box, vehicle.birth, AGREES)))
            for vehicle in self._vehicles
        )

    def _still_rolls(self, row: int, column: int) -> bool:
        """Whether a new thing is a little off the place of one long unseen: what stands is seen where it stood."""
        return self._long_unseen(row) and boxes.displaced(self._vehicles[row].place, self._seen[column], AGREES)

    def _long_unseen(self, row: int) -> bool:
        """Whether nothing has proven a standing vehicle for so long that another may have come in its place.

        `t_last` and not `t_hint`: a box that merely passes over the place is no sign of who stands there.
        """
        rest = self._vehicles[row].rest
        return rest is not None and self._t - rest.t_last > LONG_S

    def _may_be_gone(self, row: int) -> bool:
        """Whether a standing vehicle was seen to leave its place, or not seen there for so long that it may have."""
        rest = self._vehicles[row].rest
        return rest is not None and (rest.t_off is not None or self._t - rest.t_last > FRESH_S)

    def _came_from_elsewhere(self, other: int, row: int) -> bool:
        vehicle = self._vehicles[other]
        start, place = vehicle.birth if vehicle.rest is None else vehicle.rest.box, self._vehicles[row].place
        if boxes.iou(start, place) < SAME_PLACE_IOU:
            return True
        return self._long_unseen(row) and boxes.displaced(place, start, AGREES)

    def _is_seen_at_its_place(self, row: int) -> bool:
        return bool((self._places[row] >= SAME_PLACE_IOU).any())

    def _stood_just_now(self, row: int) -> bool:
        """Whether a vehicle was seen to stand so lately that it cannot be in another's place by now, only its id."""
        rest = self._vehicles[row].rest
        return rest is not None and rest.t_off is None and self._t - rest.t_last <= FRESH_S

    def _has_lost_its_id(self, row: int) -> bool:
        vehicle = self._vehicles[row]
        return vehicle.track_id not in self._column and self._t - vehicle.last.t <= FOLLOW_S

    def _continues(self, row: int, column: int) -> bool:
        """Whether a sighting can be the next of a moving vehicle: of its size, and not farther than it could go."""
        vehicle, box = self._vehicles[row], self._seen[column]
        gap = self._t - vehicle.last.t
        last = vehicle.last.box
        growth = boxes.areas(np.array([last, box]))
        if gap > 30.0 or not 1 / MOST_GROWTH <= growth[1] / max(growth[0], 1e-9) <= MOST_GROWTH:
            return False
        reach = float(np.sqrt(growth.max())) * (1.0 + 4.0 * gap)
        return float(np.hypot(*(boxes.feet(box[None]) - boxes.feet(last[None]))[0])) <= reach

    def _by_id(self) -> None:
        """Whoever has kept its id and goes on evenly."""
        pairs = []
        for column in self._free:
            sighting = self._sightings[column]
            row = self._holder.get(sighting.track_id)
            if row is None or row in self._taken or not compatible(self._vehicles[row], sighting):
                continue
            if self._continues(row, column) and not self._stolen(row, column):
                pairs.append((1.0, row, column))
        self._take(pairs)

    def _stolen(self, row: int, column: int) -> bool:
        """Whether a standing vehicle's id has gone over to one that passes it and has lost its own."""
        if self._vehicles[row].rest is None:
            return False
        overlap = self._lasts[row, column]
        for other, vehicle in enumerate(self._vehicles):
            if other == row or vehicle.rest is not None or other in self._taken or vehicle.track_id in self._column:
                continue
            if self._t - vehicle.last.t <= FOLLOW_S and self._lasts[other, column] > max(overlap, FOLLOW_IOU):
                return True
        return False

    def _by_following(self) -> None:
        """Those whose id has changed, along their way; who moved before has the first choice."""
        for standing in (False, True):
            pairs = []
            for row, vehicle in enumerate(self._vehicles):
                lost = row not in self._taken and self._t - vehicle.last.t <= FOLLOW_S
                if not lost or (vehicle.rest is not None) != standing:
                    continue
                fits = on_the_way(vehicle, self._seen, self._t)
                for column in np.flatnonzero(fits >= FOLLOW_IOU).tolist():
                    sighting = self._sightings[column]
                    known = self._holder.get(sighting.track_id, row) != row
                    if not known and compatible(vehicle, sighting) and self._drives_off(row, column):
                        pairs.append((float(fits[column]), row, column))
            self._take(pairs)

    def _by_same_box(self) -> None:
        """Those not yet known to stand, seen again in the very box they were last seen in: they stood there."""
        pairs = []
        for row, column in np.argwhere(self._lasts >= SAME_PLACE_IOU).tolist():
            vehicle, sighting = self._vehicles[row], self._sightings[column]
            lately = vehicle.rest is None and self._t - vehicle.last.t <= LONG_S
            # Seen so twice: of traffic that runs evenly each is once where the one before was.
            still = len(vehicle.recent) > 1 and boxes.alike(vehicle.recent[-2].box, vehicle.last.box, AGREES)
            same = lately and still and boxes.alike(vehicle.last.box, sighting.box, AGREES)
            if same and compatible(vehicle, sighting) and self._holder.get(sighting.track_id, row) == row:
                pairs.append((float(self._lasts[row, column]), row, column))
        self._take(pairs)

    def _drives_off(self, row: int, column: int) -> bool:
        """Whether a sighting can be a vehicle that has begun to move; always so for one that moved before."""
        vehicle, box = self._vehicles[row], self._seen[column]
        if vehicle.rest is None:
            return True
        growth = boxes.areas(box[None])[0] / max(boxes.areas(vehicle.last.box[None])[0], 1e-9)
        return bool(1 / SAME_SIZE <= growth <= SAME_SIZE) and boxes.displaced(vehicle.rest.box, box, DISAGREES)

    def _pieces(self, links: Links) -> set[int]:
        """Columns that are pieces of standing vehicles; those so seen, or run together with another, are noted."""
        pieces: set[int] = set()
        for row, vehicle in enumerate(self._vehicles):
            if vehicle.rest is None:
                continue
            found, partly = self._pieces_of(row, vehicle.rest.box)
            pieces |= found
            if partly and row not in self._taken:
                links.partly.append(vehicle)
        return pieces

    def _pieces_of(self, row: int, anchor: Array) -> tuple[set[int], bool]:
        if not len(self._seen):
            return set(), False
        common = boxes.overlaps(anchor[None], self._seen)[0]
        whole = float(boxes.areas(anchor[None])[0])
        slack = EDGE_SHARE * whole**0.5
        pieces, partly = set(), False
        for column in np.flatnonzero(common > 0.2 * whole).tolist():
            upright, level = boxes.agreeing_edges(anchor, self._seen[column], slack)
            if upright and level:
                # Another that stands, stops or comes to a stop in its very place is no part of it.
                taken = column not in self._free and self._places[row, column] >= SAME_PLACE_IOU
                anothers = taken or self._still_rolls(row, column)
                partly = partly or (common[column] >= 0.4 * whole and not anothers)
                inside = common[column] / max(float(boxes.areas(self._seen[column][None])[0]), 1e-9)
                if column in self._free and inside >= PIECE_SHARE and not anothers:
                    pieces.add(column)
        return pieces, partly


def compatible(vehicle: Vehicle, sighting: Sighting) -> bool:
    """Nothing known speaks against these being one: two wheels or four, plate within a character, colour."""
    if sighting.two_wheeler != vehicle.last.two_wheeler:
        return False
    facts = sighting.facts
    if vehicle.plate and facts.plate and _differences(vehicle.plate, facts.plate) > 1:
        return False
    return not (vehicle.color and facts.color and vehicle.color != facts.color)


def _differences(first: str, second: str) -> int:
    return abs(len(first) - len(second)) + sum(a != b for a, b in zip(first, second, strict=False))
