"""What a parking rule keeps over a restart of the box: only what its sightings have proven so far (domain D2).

Stream seconds begin anew with every start, so instants are written as wall clock (Unix seconds); on the way back they
are put on the new stream. A stay returns with its anchor, its clocks and whether it was accused; then the ordinary
rule of gaps decides: seen again within two minutes at its place its wait goes on, later it begins anew, and an
accused one makes no second event.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.frames import Facts
from edge.rules.decision import Moment
from edge.rules.ground import Plane
from edge.rules.kerb import Kerb
from edge.rules.rest import Rest
from edge.rules.scars import Scar
from edge.rules.sighting import Sighting
from edge.rules.stay import Clock, Stay, as_box
from edge.rules.stillness import Yard
from edge.rules.vehicle import Vehicle

VERSION = 1
Record = dict[str, Any]
ToWall = Callable[[float], float]
ToStream = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Memory:
    """Writes stays to plain JSON and reads them back, for one camera as it is drawn now."""

    kerb: Kerb
    plane: Plane

    def stay_record(self, stay: Stay, wall: ToWall) -> Record:
        """One stay that stands, as plain JSON."""
        rest, vehicle = stay.rest, stay.vehicle
        zones = self.kerb.zones
        return {
            "passage": stay.passage,
            "track_id": vehicle.track_id,
            "votes": {str(kind): vote for kind, vote in vehicle.votes.items()},
            "plate": vehicle.plate,
            "color": vehicle.color,
            "emergency": vehicle.emergency,
            "box": as_box(rest.box),
            "birth": as_box(vehicle.birth),
            "limit_m": rest.limit_m,
            "sigma_m": rest.sigma_m,
            "at_stay": wall(stay.t_first),
            "at_first": wall(rest.t_first),
            "at_last": wall(rest.t_last),
            "sightings": rest.sightings,
            "longest_gap_s": rest.longest_gap_s,
            "proven_s": stay.proven_s,
            "shuffles": stay.shuffles,
            "same_case": stay.same_case,
            "clocks": {
                zones[number].zone.id: None if clock.t_first is None else wall(clock.t_first)
                for number, clock in stay.clocks.items()
            },
            "accused_in": None if stay.accused_in is None else zones[stay.accused_in].zone.id,
            "first": _moment_record(stay.first, wall),
            "trigger": _moment_record(stay.trigger, wall),
            "at_kept": None if stay.kept_at is None else wall(stay.kept_at),
            "spaced": stay.spaced,
        }

    def stay_of(self, record: Record, stream: ToStream) -> Stay | None:
        """The stay of a record; None when the site no longer has its place."""
        box = np.array(record["box"], dtype=np.float64)
        votes = {int(kind): float(vote) for kind, vote in record["votes"].items()}
        kind = max(votes, key=lambda one: votes[one])
        rest = self._rest_of(record, stream, box, kind)
        facts = Facts(record["plate"], record["color"], record["emergency"])
        # The tracker of the last run is gone, and so are its ids: -1 is nobody's.
        vehicle = Vehicle.born(0, Sighting(rest.t_last, box, kind, 0.0, -1, facts))
        vehicle.votes, vehicle.rest, vehicle.looked_at = votes, rest, True
        vehicle.birth = np.array(record["birth"], dtype=np.float64)
        standing = self.kerb.standing(box, kind, None)
        numbers = {place.zone.id: number for number, place in enumerate(self.kerb.zones)}
        if not standing.shares or (record["accused_in"] is not None and record["accused_in"] not in numbers):
            return None
        stay = Stay(vehicle, rest, standing, stream(record["at_stay"]), record["passage"])
        for zone_id, at in record["clocks"].items():
            if zone_id in numbers:
                stay.clocks[numbers[zone_id]] = Clock(None if at is None else stream(at), rest.t_last)
        stay.accused_in = None if record["accused_in"] is None else numbers[record["accused_in"]]
        stay.first, stay.trigger = _moment_of(record["first"], stream), _moment_of(record["trigger"], stream)
        stay.kept_at = None if record["at_kept"] is None else stream(record["at_kept"])
        stay.spaced, stay.proven_s = bool(record["spaced"]), float(record["proven_s"])
        stay.shuffles, stay.same_case = int(record["shuffles"]), record["same_case"]
        return stay

    def _rest_of(
        self, record: Record, stream: ToStream, box: "np.ndarray[Any, np.dtype[np.float64]]", kind: int
    ) -> Rest:
        yard = Yard.around(box, kind, self.plane)
        last = stream(record["at_last"])
        rest = Rest(stream(record["at_first"]), box, yard, record["limit_m"], record["sigma_m"], last, last)
        rest.settled, rest.standing_now = True, False
        rest.sightings, rest.longest_gap_s = int(record["sightings"]), float(record["longest_gap_s"])
        rest.add_trail(last, box)
        return rest


def scar_record(scar: Scar, wall: ToWall) -> Record:
    """A place where a stay was already said, as plain JSON."""
    return {
        "passage": scar.passage,
        "zone_id": scar.zone_id,
        "box": as_box(scar.box),
        "at": wall(scar.t),
        "left": scar.left,
        "plate": scar.plate,
    }


def scar_of(record: Record, stream: ToStream) -> Scar:
    """The scar of a record; the vehicle's number belonged to the last run and is nobody's now."""
    box = np.array(record["box"], dtype=np.float64)
    return Scar(
        record["passage"], record["zone_id"], box, stream(record["at"]), bool(record["left"]), -1, record["plate"]
    )


def _moment_record(moment: Moment | None, wall: ToWall) -> Record | None:
    return None if moment is None else {"at": wall(moment.t), "box": list(moment.box)}


def _moment_of(record: Record | None, stream: ToStream) -> Moment | None:
    if record is None:
        return None
    x1, y1, x2, y2 = record["box"]
    return Moment(stream(record["at"]), (x1, y1, x2, y2))
