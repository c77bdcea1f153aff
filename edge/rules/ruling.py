"""From findings to one decision a passage: candidate, needs a human, cleared or suppressed, with the numbers."""

from collections.abc import Sequence

import numpy as np

from edge.frames import MOTORCYCLE
from edge.rules.crosswalk import Approach, Crosswalk
from edge.rules.decision import Box, Decision, Moment, Number, Outcome, Question
from edge.rules.drive import Drive
from edge.rules.finding import Finding, Matter
from edge.rules.ground import Plane, said
from edge.rules.movers import Mover
from edge.rules.passage import passage_name
from edge.rules.pet import priority

RULE = "failure_to_yield"
SHORTEST_S = 1.0
_TRACK_POINTS = 200

SIGNAL = Question("signal_state", "Which light did vehicles and pedestrians have?", ("mqtt", "lamp_roi", "onvif"))
TWO_WHEELER = Question("motor_vehicle", "Is the two-wheeler a motor vehicle? An e-bike's box looks the same.")
ENDED = Question("track", "The vehicle was lost before it left the crosswalk: did it drive on over it?")


def decide(
    matter: Matter, findings: Sequence[Finding], passage: str, signal: str | None, signalised: bool, gone: bool
) -> Decision:
    """The decision of a passage. `gone`: the vehicle left the view by the edge of the frame, which explains its end."""
    guilty = [finding for finding in findings if finding.guilty]
    if not guilty:
        best = max(findings, key=lambda finding: finding.weight, default=None)
        reason = best.reason if best else "no pedestrian was on or near the crossing"
        return _decision(matter, [best] if best else [], passage, Outcome.CLEARED, reason)
    vetoes = _vetoes(matter, signal)
    if vetoes:
        return _decision(matter, guilty, passage, Outcome.SUPPRESSED, vetoes[0][1], suppression=[v for v, _ in vetoes])
    sure = [finding for finding in guilty if not finding.unknown]
    accused = sure or guilty
    unknown = _questions(matter, accused, signal, signalised, gone)
    first = min(accused, key=_t1)
    reason = (
        f"drove on over the crosswalk before {len(accused)} crossing pedestrian(s); at t1 {first.numbers['speed_kmh']}"
        f" km/h, {first.numbers['distance_m']} m before the stop line, {first.numbers['d_stop_m']} m would have done"
    )
    return _decision(matter, accused, passage, Outcome.VIOLATION, reason, unknown=unknown)


def unjudged(drive: Drive, approach: Approach, crosswalk: Crosswalk, plane: Plane) -> Decision:
    """A vehicle that drove over the crosswalk and was never seen to pass a stop line in its lane's direction."""
    places = drive.motion.xy[drive.over]
    against = float((places[-1] - places[0]) @ approach.direction) < 0
    mover, t = drive.mover, float(drive.t[drive.over][0])
    reason = "it went against the lane's direction (reversing or wrong way)"
    return Decision(
        rule=RULE,
        outcome=Outcome.SUPPRESSED if against else Outcome.CLEARED,
        passage=passage_name(crosswalk.zone_id, approach.lane_id, t),
        zone_id=crosswalk.zone_id,
        track_id=mover.ids[_nearest(mover, t)],
        vehicle_class=mover.name,
        first=moment(mover, t),
        trigger=None,
        last=moment(mover, mover.last),
        reason=reason if against else "it was not seen to pass the stop line (first seen beyond it, or turned in)",
        lane_id=approach.lane_id,
        suppression=("against_lane",) if against else (),
        numbers={"metres_over": round(drive.crossed(), 2)},
        scores=_scores(mover, ()),
        ground=said(plane),
    )


def _t1(finding: Finding) -> float:
    return finding.t1 if finding.t1 is not None else float("inf")


def _vetoes(matter: Matter, signal: str | None) -> list[tuple[str, str]]:
    """(key, sentence) of everything that excludes this vehicle whatever the pedestrians did."""
    mover = matter.drive.mover
    vetoes = []
    if mover.facts.emergency:
        vetoes.append(("emergency", "an emergency vehicle on task"))
    if signal == "vehicle_green":
        vetoes.append(("vehicle_green", "the vehicles' light was green when it passed the stop line"))
    if mover.last - mover.times[0] < SHORTEST_S:
        vetoes.append(("short_track", "the vehicle was seen for less than 1 s"))
    return vetoes


def _questions(
    matter: Matter, accused: Sequence[Finding], signal: str | None, signalised: bool, gone: bool
) -> tuple[Question, ...]:
    questions: list[Question] = []
    if signalised and signal is None:
        questions.append(SIGNAL)
    if matter.drive.mover.kind == MOTORCYCLE:
        questions.append(TWO_WHEELER)
    if matter.t3 is None and not gone:
        questions.append(ENDED)
    for finding in accused:
        questions.extend(question for question in finding.unknown if question not in questions)
    return tuple(questions)


def moment(mover: Mover, t: float, people: Sequence[Mover] = ()) -> Moment:
    """The sighting of a vehicle nearest to `t`, with the people as they were seen within half a second of it."""
    at = _nearest(mover, t)
    pedestrians: dict[int, Box] = {}
    for person in people:
        index = _nearest(person, mover.times[at])
        if abs(person.times[index] - mover.times[at]) <= 0.5:
            pedestrians[person.id] = person.boxes[index]
    return Moment(mover.times[at], mover.boxes[at], pedestrians)


def _nearest(mover: Mover, t: float) -> int:
    return int(np.argmin(np.abs(np.array(mover.times) - t)))


def _decision(
    matter: Matter,
    findings: Sequence[Finding],
    passage: str,
    outcome: Outcome,
    reason: str,
    *,
    suppression: Sequence[str] = (),
    unknown: tuple[Question, ...] = (),
) -> Decision:
    mover = matter.drive.mover
    people = [finding.mover for finding in findings]
    t1 = min((_t1(finding) for finding in findings), default=float("inf"))
    trigger = moment(mover, matter.t2, people)
    return Decision(
        rule=RULE,
        outcome=outcome,
        passage=passage,
        zone_id=matter.crosswalk.zone_id,
        track_id=mover.ids[_nearest(mover, matter.t2)],
        vehicle_class=mover.name,
        first=moment(mover, t1, people) if np.isfinite(t1) else trigger,
        trigger=trigger,
        last=moment(mover, matter.t3 if matter.t3 is not None else matter.end, people),
        reason=reason,
        lane_id=matter.approach.lane_id,
        unknown=unknown,
        suppression=tuple(suppression),
        pedestrian_ids=tuple(person.id for person in people) if outcome is not Outcome.CLEARED else (),
        numbers=_numbers(matter, findings),
        scores=_scores(mover, people),
        track=_track(mover, t1, matter),
        plate=mover.facts.plate,
        color=mover.facts.color,
        ground=said(matter.plane),
    )


def _numbers(matter: Matter, findings: Sequence[Finding]) -> dict[str, Number]:
    """The figures of the pedestrian that decided, and those of the place."""
    numbers: dict[str, Number] = {}
    if findings:
        numbers |= min(findings, key=_t1).numbers
        pets = [pet for finding in findings if isinstance(pet := finding.numbers.get("pet_s"), float)]
        numbers["priority"] = priority(min(pets, default=None))
    drive = matter.drive
    numbers["pedestrians"] = len(findings)
    numbers["speed_t2_kmh"] = round(float(np.interp(matter.t2, drive.t, drive.speed)) * 3.6, 1)
    box = drive.mover.boxes[_nearest(drive.mover, matter.t2)]
    numbers["metres_a_pixel"] = round(matter.plane.sigma(((box[0] + box[2]) / 2, box[3])), 3)
    numbers["position_sigma_m"] = round(drive.motion.sigma, 3)
    if matter.plane.residual_m is not None:
        numbers["ground_residual_m"] = round(matter.plane.residual_m, 3)
    return numbers


def _scores(mover: Mover, people: Sequence[Mover]) -> dict[str, float]:
    scores = {"vehicle": round(float(np.mean(mover.scores)), 3)}
    if people:
        scores["pedestrian"] = round(min(float(np.mean(person.scores)) for person in people), 3)
    return scores


def _track(mover: Mover, t1: float, matter: Matter) -> tuple[tuple[float, Box], ...]:
    """At most 200 sightings from 3 s before t1 (or t2) to the end."""
    since = min(t1, matter.t2) - 3.0
    chosen = [(t, box) for t, box in zip(mover.times, mover.boxes, strict=True) if since <= t <= matter.end]
    step = -(-len(chosen) // _TRACK_POINTS) or 1
    return tuple(chosen[::step])
