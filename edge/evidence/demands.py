"""What the jurisdiction asks of the evidence of one camera, as the keeper needs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contract.events import Clock, FactSaid, Rule
from contract.jurisdiction import load_profile
from contract.pack_check import Asked
from contract.profile import Evidence
from edge.judgement import Place

#: What is asked for where a keeper is told nothing: what public abstracts say of GA/T 832-2014.
DEFAULT_PROFILE = "cn-default"


@dataclass(frozen=True, slots=True)
class Demands:
    """`waits` are the permitted waits by zone, in seconds; `clock` says how good the camera's clock is now.

    `listed` asks the site's lists of plates: rule, plate, instant -> facts.
    """

    evidence: Evidence = field(default_factory=lambda: load_profile(DEFAULT_PROFILE).evidence)
    waits: Mapping[str, float] = field(default_factory=dict)
    clock: Callable[[], Clock] | None = None
    listed: Callable[[str, str, datetime], dict[str, FactSaid]] | None = None

    def facts(self, rule: str, plate: str | None, at: datetime) -> dict[str, FactSaid]:
        """What the site's lists say of a plate that was read from the pictures; nothing of one that was not."""
        return self.listed(rule, plate, at) if self.listed and plate else {}

    def asked(self, rule: str, zone_id: str) -> Asked:
        """What is asked of a pack of `rule` in that zone."""
        clock = self.clock() if self.clock else None
        return Asked(Rule(rule), self.evidence, self.waits.get(zone_id), clock)


def demands_of(place: Place, clock: Callable[[], Clock]) -> Demands:
    """What the profile of a place asks for; a zone's permitted wait is without the grace after it."""
    zones = place.profile.completed(place.camera).zones
    waits = {zone.id: zone.wait_s - (zone.grace_s or 0.0) for zone in zones}
    zone_info = place.site_file.site.zone_info

    def listed(rule: str, plate: str, at: datetime) -> dict[str, FactSaid]:
        return place.law.of_plate(rule, plate, at.astimezone(zone_info).date())

    return Demands(place.profile.evidence, waits, clock, listed)


__all__ = ["Demands", "demands_of"]
