"""What the jurisdiction asks of the evidence of one camera, as the keeper needs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from contract.events import Clock, Rule, Vehicle
from contract.jurisdiction import load_profile
from contract.pack_check import Asked
from contract.plates import PLATE_SURE
from contract.profile import Evidence
from contract.statement import Statement
from edge.evidence.kept import Decided
from edge.judgement import Place
from edge.rules.policy import PlateTells
from edge.rules.testimony import Accused, true_time

#: What is asked for where a keeper is told nothing: what public abstracts say of GA/T 832-2014.
DEFAULT_PROFILE = "cn-default"


@dataclass(frozen=True, slots=True)
class Demands:
    """`waits` are the permitted waits by zone, in seconds; `clock` says how good the camera's clock is now.

    `tells` asks lists and statements what follows from the plate that was read of a decided passage.
    """

    evidence: Evidence = field(default_factory=lambda: load_profile(DEFAULT_PROFILE).evidence)
    waits: Mapping[str, float] = field(default_factory=dict)
    clock: Callable[[], Clock] | None = None
    tells: Callable[[Decided, Vehicle], PlateTells] | None = None

    def of_plate(self, decided: Decided, vehicle: Vehicle | None) -> PlateTells:
        """What follows from the plate read from the pictures; nothing of one that was not."""
        return self.tells(decided, vehicle) if self.tells and vehicle else PlateTells()

    def asked(self, rule: str, zone_id: str) -> Asked:
        """What is asked of a pack of `rule` in that zone."""
        clock = self.clock() if self.clock else None
        return Asked(Rule(rule), self.evidence, self.waits.get(zone_id), clock)


def demands_of(
    place: Place, clock: Callable[[], Clock], statements: Callable[[], Sequence[Statement]] = tuple
) -> Demands:
    """What the profile of a place asks for; a zone's permitted wait is without the grace after it.

    `statements` is what was said to the box of this camera.
    """
    zones = place.profile.completed(place.camera).zones
    waits = {zone.id: zone.wait_s - (zone.grace_s or 0.0) for zone in zones}

    def tells(decided: Decided, vehicle: Vehicle) -> PlateTells:
        return place.law.of_plate(_accused(place, decided, vehicle, clock()), statements())

    return Demands(place.profile.evidence, waits, clock, tells)


def _accused(place: Place, decided: Decided, vehicle: Vehicle, clock: Clock) -> Accused:
    first, trigger, last = (
        true_time(at or decided.at_last, clock) for at in (decided.at_first, decided.at_trigger, decided.at_last)
    )
    day = trigger.astimezone(place.site_file.site.zone_info).date()
    sure = min(vehicle.per_char_conf or [vehicle.conf or 0.0]) >= PLATE_SURE
    return Accused(decided.rule, decided.zone_id, first, trigger, last, day, vehicle.plate, sure)


__all__ = ["Demands", "demands_of"]
