"""Places where a stay was already said, so that no second event is made of it (domain D2).

After an event a restart at the same place, with no departure, arrival or contradiction seen, is the same stay, however
long the vehicle was out of sight. And one vehicle that was seen to leave and is back within five minutes - by its
unbroken track or its plate - is the same case (re-offence).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.rules import boxes
from edge.rules.vehicle import Vehicle

Array = NDArray[np.float64]

#: A new case only after leaving for this long [s] (domain D2, re-offence).
AWAY_S = 300.0
#: So many places are remembered, the oldest are forgotten first.
MOST = 200


@dataclass(frozen=True, slots=True)
class Scar:
    """An accused stay that has ended. `left`: its departure was seen at `t`; else it was lost from sight."""

    passage: str
    zone_id: str
    box: Array
    t: float
    left: bool
    vehicle: int
    plate: str | None


class Scars:
    """What is remembered of accused stays after their end."""

    def __init__(self) -> None:
        self._scars: list[Scar] = []

    def __iter__(self) -> Iterator[Scar]:
        return iter(self._scars)

    def add(self, scar: Scar) -> None:
        """Remember one."""
        self._scars.append(scar)
        del self._scars[:-MOST]

    def same_case(self, vehicle: Vehicle, zone_ids: set[str], t: float) -> str | None:
        """The passage of the stay that this vehicle, now at rest, only goes on with; None for a new one."""
        assert vehicle.rest is not None
        self._scars = [scar for scar in self._scars if not scar.left or t - scar.t < AWAY_S]
        for scar in self._scars:
            if scar.left:
                known = scar.plate is not None and scar.plate == vehicle.plate
                if scar.zone_id in zone_ids and (scar.vehicle == vehicle.key or known):
                    return scar.passage
            elif boxes.iou(scar.box, vehicle.rest.box) >= 0.5:
                differs = scar.plate is not None and vehicle.plate is not None and scar.plate != vehicle.plate
                if not vehicle.arrived and not differs:
                    return scar.passage
                self._scars.remove(scar)
                return None
        return None
