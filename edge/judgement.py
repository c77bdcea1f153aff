"""From a rule's decision to the event that says it: names, wall clock, codes and geometry.

A decision speaks stream seconds and pixels; an event must be read by a court. The case key is made of wall-clock
instants, because stream seconds begin anew with every start of the box.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from contract.events import (
    VIOLATION_TYPE,
    Clock,
    Closed,
    CloudEvent,
    EventType,
    Geometry,
    ModelRef,
    Rule,
    TrackPoint,
    Unknown,
    Vehicle,
    Violation,
    case_key,
    new_event,
    rfc3339,
)
from contract.exempt import lists_of
from contract.facts import load_facts
from contract.jurisdiction import load_profile
from contract.profile import Profile
from contract.site import Camera, Zone
from contract.sitefile import SiteFile
from edge.rules.decision import Decision, Moment
from edge.rules.policy import Law

#: Raised whenever a rule would judge the same stream otherwise than before.
RULE_VERSIONS = {Rule.ILLEGAL_PARKING: "1", Rule.FAILURE_TO_YIELD: "1"}


@dataclass(frozen=True, slots=True)
class Place:
    """Which camera of which site a box watches, under which law."""

    edge_id: str
    site_file: SiteFile
    camera: Camera
    law: Law

    @property
    def profile(self) -> Profile:
        """The profile of the site's jurisdiction."""
        return self.law.profile

    @property
    def source(self) -> str:
        """The CloudEvents `source`."""
        return f"/edge/{self.edge_id}/camera/{self.camera.id}"

    def zone(self, zone_id: str) -> Zone:
        """The zone of that id; KeyError when a decision names one that the site does not have."""
        for zone in self.camera.zones:
            if zone.id == zone_id:
                return zone
        raise KeyError(zone_id)


def law_of(site_file: SiteFile) -> Law:
    """The law of a site: profile, facts and lists of plates. Raises ConfigError with file and key."""
    profile = load_profile(site_file.site.jurisdiction, site_file.path)
    table = load_facts().under(profile)
    return Law(profile, table, lists_of(site_file, table), site_file.site.enforcing_since)


@dataclass(frozen=True, slots=True)
class EventMaker:
    """Makes the events of one camera. `wall` maps stream seconds to wall clock, `clock` says how good that is."""

    place: Place
    wall: Callable[[float], datetime]
    clock: Callable[[], Clock]
    model: ModelRef | None = None
    replay: bool = False

    def violation(self, decision: Decision) -> CloudEvent:
        """The decision itself, at once and without media."""
        if decision.trigger is None:
            raise ValueError("a violation has its trigger")
        data = self._said(decision, decision.trigger)
        return new_event(VIOLATION_TYPE[data.rule], self.place.source, self._at(decision.last.t), data)

    def _said(self, decision: Decision, trigger: Moment) -> Violation:
        place, zone = self.place, self.place.zone(decision.zone_id)
        code = place.profile.code_for(decision.rule, zone)
        return Violation(
            case_key=self.case_key(decision),
            rule=Rule(decision.rule),
            rule_ver=RULE_VERSIONS[Rule(decision.rule)],
            jurisdiction=place.profile.id,
            jurisdiction_ver=place.profile.version,
            violation_code=code,
            code_ver=place.profile.codes_version if code else None,
            site=place.site_file.site.site,
            site_version=place.site_file.sha256,
            edge_id=place.edge_id,
            camera_id=place.camera.id,
            zone_id=decision.zone_id,
            lane_id=decision.lane_id,
            track_id=decision.track_id,
            verdict="needs_human" if decision.unknown else "candidate",
            unknown=[Unknown(fact=q.fact, question=q.question, sources=list(q.sources)) for q in decision.unknown],
            facts=dict(decision.facts),
            suppression=list(decision.suppression),
            vehicle=Vehicle(class_=decision.vehicle_class, color=decision.color, plate=decision.plate),
            pedestrian_ids=list(decision.pedestrian_ids),
            t_first=_seconds(decision.first.t),
            t_trigger=_seconds(trigger.t),
            t_last=_seconds(decision.last.t),
            at_first=self._at(decision.first.t),
            at_trigger=self._at(trigger.t),
            at_last=self._at(decision.last.t),
            clock=self.clock(),
            geometry=_geometry(decision, zone, place.camera),
            numbers=dict(decision.numbers),
            reason=decision.reason,
            scores=dict(decision.scores),
            model=self.model,
            replay=self.replay,
        )

    def closed(self, decision: Decision) -> CloudEvent:
        """The end of a stay that was accused."""
        dwell = decision.last.t - decision.first.t
        data = Closed(
            case_key=self.case_key(decision),
            edge_id=self.place.edge_id,
            camera_id=self.place.camera.id,
            t_end=_seconds(decision.last.t),
            at_end=self._at(decision.last.t),
            dwell_s=_seconds(_number(decision, "dwell_s", dwell)),
            proven_s=_seconds(_number(decision, "proven_s", dwell)),
            how="left" if decision.how_ended == "left" else "lost" if decision.how_ended == "lost" else "stream_end",
            replay=self.replay,
        )
        return new_event(EventType.CLOSED, self.place.source, self._at(decision.last.t), data)

    def case_key(self, decision: Decision) -> str:
        """The name of this matter, which a restart of the box does not change.

        A stay's `passage` is made of wall clock and place, and is carried over a restart. A passage over a crosswalk
        is named by the instant at the stop line and where the vehicle was, because two may come in one frame.
        """
        if decision.rule == Rule.ILLEGAL_PARKING:
            where = decision.passage
        else:
            moment = decision.trigger or decision.first
            x1, y1, x2, y2 = moment.box
            middle = f"{(x1 + x2) / 2:.0f},{(y1 + y2) / 2:.0f}"
            where = f"{decision.lane_id or ''}|{rfc3339(self.wall(moment.t))}|{middle}"
        return case_key(self.place.edge_id, self.place.camera.id, decision.rule, decision.zone_id, where)

    def _at(self, t: float) -> datetime:
        """Wall clock of stream second `t`, to the millisecond as `at_*` are published."""
        moment = self.wall(t).astimezone(self.place.site_file.site.zone_info)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _geometry(decision: Decision, zone: Zone, camera: Camera) -> Geometry:
    lane = next((lane for lane in zone.lanes if lane.id == decision.lane_id), None)
    moments: dict[str, Moment] = {"first": decision.first, "last": decision.last}
    if decision.trigger is not None:
        moments["trigger"] = decision.trigger
    pedestrians: dict[str, dict[str, tuple[float, float, float, float]]] = {}
    for name, moment in moments.items():
        for track_id, box in moment.pedestrians.items():
            pedestrians.setdefault(str(track_id), {})[name] = box
    return Geometry(
        frame=camera.frame,
        zone=zone.polygon,
        lane=lane.polygon if lane else None,
        stop_line=list(lane.stop_line) if lane and lane.stop_line else None,
        carriageway=zone.carriageway,
        boxes={name: moment.box for name, moment in moments.items()},
        pedestrians=pedestrians,
        track=[TrackPoint(t=_seconds(t), box=box) for t, box in decision.track],
        ground="calibrated" if decision.ground == "calibrated" else "estimated",
    )


def _seconds(t: float) -> float:
    return round(float(t), 3)


def _number(decision: Decision, name: str, otherwise: float) -> float:
    value = decision.numbers.get(name)
    return float(value) if isinstance(value, int | float) else otherwise
