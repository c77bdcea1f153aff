"""The words and figures of a parking decision: why a stay was or was not an offence (domain D2, B4).

One place makes the reasons, so that `--explain`, the review page and the court's report say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from contract.site import Zone, ZoneType
from edge.frames import BUS, CLASSES, VEHICLES
from edge.rules.boxes import feet
from edge.rules.decision import Decision, Moment, Number, Outcome, Question, told_of
from edge.rules.kerb import IN_ZONE, Kerb
from edge.rules.sighting import TWO_WHEELERS
from edge.rules.stay import Stay, as_box

RULE = "illegal_parking"
#: Share of the score for four wheels without which nobody is accused, and for a bus with which a bus stop is its own.
FOUR_WHEELS, MAY_BE_A_BUS = 0.7, 0.3
#: At most so many points of the track go into an event.
TRACK_MOST = 64

DRIVER = Question(
    "driver_present",
    "Is the driver in the vehicle, and did he or she drive on when told to?",
    ("reviewer", "driver camera"),
)
_WAYS = {"left": "it drove away", "lost": "it was lost from sight", "stream_end": "the stream ended"}


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a stay is no offence: what becomes of it, a word for the books, a sentence."""

    outcome: Outcome
    name: str
    reason: str


def excuse(stay: Stay, kerb: Kerb, number: int, t: float) -> Excuse | None:
    """What speaks for this stay in zone `number` at stream second `t`, whatever its length; None for nothing."""
    return _by_vehicle(stay, kerb.zones[number].zone) or _by_place(stay, kerb, t)


def _by_vehicle(stay: Stay, zone: Zone) -> Excuse | None:
    vehicle = stay.vehicle
    if vehicle.emergency:
        return Excuse(Outcome.SUPPRESSED, "emergency", "an emergency vehicle on task")
    if vehicle.share(TWO_WHEELERS) >= 0.5:
        return Excuse(Outcome.CLEARED, "two_wheeler", "a two-wheeler: a matter for the city's governance, no 1039 case")
    if vehicle.share(VEHICLES) < FOUR_WHEELS:
        return Excuse(Outcome.CLEARED, "class_unclear", "it is not clear that this is a vehicle with four wheels")
    if zone.type is ZoneType.BUS_STOP and vehicle.share(frozenset({BUS})) >= MAY_BE_A_BUS:
        return Excuse(Outcome.CLEARED, "bus_at_stop", "a bus at its stop")
    if stay.same_case is not None:
        return Excuse(Outcome.CLEARED, "same_case", f"the same case as the stay {stay.same_case}, already told")
    return None


def _by_place(stay: Stay, kerb: Kerb, t: float) -> Excuse | None:
    queues = [kerb.queues[queue] for queue in stay.standing.queues if kerb.queues[queue].calendar.awake(t)]
    permit = permission(stay, kerb, t)
    if permit is None and queues:
        return Excuse(Outcome.SUPPRESSED, "queue_area", f"it stands in the queue area {queues[0].zone.id}")
    return permit


def permission(stay: Stay, kerb: Kerb, t: float) -> Excuse | None:
    """The bay that permits this stay at stream second `t`, or did until less than the jurisdiction's grace ago."""
    bays = [kerb.bays[bay] for bay in stay.standing.bays]
    awake = [bay.zone.id for bay in bays if bay.calendar.awake(t)]
    if awake:
        return Excuse(Outcome.CLEARED, "parking_bay", f"it stands mostly in the parking bay {awake[0]}")
    # Domain B6, UK: grace is given at the end of permitted parking only; a stay that began later has none.
    ended = [
        bay.zone for bay in bays if (grace := bay.zone.grace_s) and bay.calendar.awake(max(t - grace, stay.t_first))
    ]
    if ended:
        reason = f"the permitted parking in {ended[0].id} ended less than {ended[0].grace_s:g} s ago"
        return Excuse(Outcome.CLEARED, "grace", reason)
    return None


def violation(stay: Stay, zone: Zone, numbers: Mapping[str, Number], ask_driver: bool) -> Decision:
    """The accusation, made once a stay."""
    assert stay.trigger is not None
    permitted = (
        f"{zone.wait_s - zone.grace_s:g} s and {zone.grace_s:g} s of grace" if zone.grace_s else f"{zone.wait_s:g} s"
    )
    said = f"stood in {zone.id} for {numbers['proven_s']} s where {permitted} are permitted"
    decision = _decision(stay, zone, Outcome.VIOLATION, said, numbers)
    return replace(decision, last=stay.trigger, unknown=(DRIVER,) if ask_driver else ())


def closed(stay: Stay, zone: Zone, numbers: Mapping[str, Number], how: str) -> Decision:
    """The end of a stay that was accused."""
    return replace(_decision(stay, zone, Outcome.CLOSED, _WAYS[how], numbers), how_ended=how)


def acquitted(stay: Stay, zone: Zone, numbers: Mapping[str, Number], how: str, excused: Excuse | None) -> Decision:
    """Why a stay made no event."""
    why = excused or _outside(zone, numbers) or _uncounted(stay, zone, numbers) or _too_short(stay, zone, how)
    decision = _decision(stay, zone, why.outcome, why.reason, numbers)
    return replace(decision, suppression=(why.name,), how_ended=how)


def _outside(zone: Zone, numbers: Mapping[str, Number]) -> Excuse | None:
    share = float(numbers["share"] or 0.0)
    if share >= IN_ZONE:
        return None
    return Excuse(
        Outcome.CLEARED, "outside", f"{share:.0%} of its footprint is in {zone.id}; from {IN_ZONE:.0%} on counts"
    )


def _uncounted(stay: Stay, zone: Zone, numbers: Mapping[str, Number]) -> Excuse | None:
    paused = float(numbers["paused_s"] or 0.0)
    if paused > 0 and stay.proven_s + paused >= zone.wait_s:
        return Excuse(
            Outcome.SUPPRESSED, "jam", f"the traffic beside it stood: {paused:.1f} s of its stay do not count"
        )
    if stay.asleep:
        said = f"{zone.id} was not in force; {stay.proven_s:.1f} s of {zone.wait_s:g} s count"
        return Excuse(Outcome.CLEARED, "hours", said)
    return None


def _too_short(stay: Stay, zone: Zone, how: str) -> Excuse:
    proven = f"{stay.proven_s:.1f} s of {zone.wait_s:g} s"
    if stay.shuffles:
        return Excuse(Outcome.CLEARED, "moved", f"it moved {stay.shuffles} times; its longest wait was {proven}")
    if how == "lost":
        return Excuse(Outcome.CLEARED, "unproven", f"out of sight for too long; {proven} are proven")
    return Excuse(Outcome.CLEARED, "within_wait", f"it stood for no longer than is permitted: {proven}")


def _decision(stay: Stay, zone: Zone, outcome: Outcome, reason: str, numbers: Mapping[str, Number]) -> Decision:
    vehicle, trail = stay.vehicle, stay.rest.trail
    step = max(1, -(-len(trail) // TRACK_MOST))
    return Decision(
        rule=RULE,
        outcome=outcome,
        passage=stay.passage,
        zone_id=zone.id,
        track_id=vehicle.track_id,
        vehicle_class=CLASSES[vehicle.kind],
        first=stay.first or Moment(stay.t_first, as_box(stay.rest.box)),
        trigger=stay.trigger,
        last=Moment(stay.t_last, as_box(stay.rest.box)),
        reason=reason,
        numbers=numbers,
        scores={"detector": round(vehicle.mean_score, 3)},
        track=tuple((round(t, 3), as_box(box)) for t, box in trail[::step]),
        plate=vehicle.plate,
        color=vehicle.color,
        ground="calibrated" if stay.standing.footprint.road is not None else "estimated",
        told=told_of(vehicle.emergency),
    )


def figures(stay: Stay, zone: Zone, number: int, paused_s: float) -> dict[str, Number]:
    """The numbers that decide in zone `number`: seconds, metres, shares."""
    rest = stay.rest
    # Places before more of it was shown are those of another edge, not of a move.
    seen = [box for t, box in rest.trail if t >= max(rest.seams, default=t)]
    places = rest.yard.metres(feet(np.array(seen).reshape(-1, 4)))
    away = float(np.hypot(places[:, 0], places[:, 1]).max()) if len(places) else 0.0
    begin = stay.first.t if stay.first else stay.t_first
    grace_s = zone.grace_s or 0.0
    graced: dict[str, Number] = {"grace_s": grace_s} if grace_s else {}
    return {
        "permitted_wait_s": zone.wait_s - grace_s,
        **graced,
        "proven_s": round(stay.proven_s, 3),
        "dwell_s": round(max(0.0, stay.t_last - begin), 3),
        "paused_s": round(paused_s, 3),
        "share": round(stay.share(number), 3),
        "displacement_m": round(away, 3),
        "tolerance_m": round(rest.limit_m, 3),
        "noise_m": round(rest.sigma_m, 3),
        "longest_gap_s": round(rest.longest_gap_s, 3),
        "sightings": rest.sightings,
        "track_ids": len(set(stay.vehicle.ids)),
        "shuffles": stay.shuffles,
        "state": str(stay.state),
        "driver_present": "unknown",
    }
