"""From a yield draft to a labelled scene: a camera, what it sees, what the law says of the truth, what is expected."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.scenes.generate import yield_law
from tests.scenes.generate.draft import Draft
from tests.scenes.generate.road import Road, some_view
from tests.scenes.generate.scene import Made, Recording, some_recording, window
from tests.scenes.generate.sensing import Reader
from tests.scenes.generate.view import Sight, View, sights
from tests.scenes.generate.yield_law import Passed
from tests.scenes.generate.yield_mixed import INNOCENT, KINDS
from tests.scenes.generate.yield_walk import MARGINS, UNCALIBRATED, Case, Margins

Array = NDArray[np.float64]
RATES = {8.0: 0.1, 10.0: 0.2, 12.5: 0.45, 15.0: 0.1, 25.0: 0.15}
TRIES = 80
#: In this share of the scenes one with an offence is looked for first: most moments of a street hold none.
OFFENCES = 0.6
#: How many seconds before the first free sighting of a whole vehicle it may already be judged.
_VISIBLE, _WHOLE = 0.45, 0.97


def make(seed: int, name: str, which: str | None = None) -> Made:
    """The scene of a seed: always the same. Raises RuntimeError when no clear one is found (a fault of the kind)."""
    kinds = [kind for kind, _ in KINDS if which is None or kind.__name__ == which]
    weights = np.array([weight for kind, weight in KINDS if which is None or kind.__name__ == which])
    kind = kinds[int(np.random.default_rng([seed, 7]).choice(len(kinds), p=weights / weights.sum()))]
    offence = kind.__name__ not in INNOCENT and bool(np.random.default_rng([seed, 8]).uniform() < OFFENCES)
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, 11, attempt])
        made = _attempt(rng, kind(rng), name, seed)
        if made is not None and (made.expect["events"] or not offence or attempt >= TRIES // 2):
            return made
    raise RuntimeError(f"seed {seed}: {kind.__name__} gave no clear scene in {TRIES} tries")


def variants(seed: int, recordings: Sequence[Recording], which: str) -> list[Made]:
    """One and the same scene, recorded in several ways. Raises RuntimeError when it is not clear in all of them."""
    (kind,) = [kind for kind, _ in KINDS if kind.__name__ == which]
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, 11, attempt])
        draft = kind(rng)
        view = _view(rng, draft.place)
        if view is None:
            continue
        made = [record(rng, draft, view, one, f"v{number}", seed) for number, one in enumerate(recordings)]
        if all(made):
            return [one for one in made if one is not None]
    raise RuntimeError(f"seed {seed}: {which} gave no scene that is clear in every recording")


def _attempt(rng: np.random.Generator, draft: Draft[Road], name: str, seed: int) -> Made | None:
    view = _view(rng, draft.place)
    recording = some_recording(rng, RATES)
    return None if view is None else record(rng, draft, view, recording, name, seed)


def record(
    rng: np.random.Generator, draft: Draft[Road], view: View, recording: Recording, name: str, seed: int
) -> Made | None:
    """What a detector makes of a draft before a camera, with its label; None when the truth is not clear."""
    times = recording.times(rng, draft.t0, draft.t1)
    seen = sights(view, draft.actors, times)
    judged = judge(draft, times, seen)
    if judged is None:
        return None
    reader = Reader(recording.faults, rng, view.frame, recording.ids == "given")
    lines = reader.lines(times, seen)
    if draft.signal is not None:
        for line in lines:
            state = draft.signal(line["t"])
            if state is not None:
                line["signal"] = {"zebra": state}
    for event in [*judged[0], *judged[1]]:
        # t2 is a sighting: of the frames after the line the first ones may be lost, and the detector may have a hole.
        low, high = event["t_trigger"]
        after = reader.sighted[event.pop("vehicle")]
        first = after[after >= high - 0.4][:1]
        event["t_trigger"] = window(low, max([high, *first]) + 3 * float(np.median(np.diff(times))))
    expect = _expect(draft, recording, seed, *judged)
    return Made(name, draft.place.site(view, name), lines, expect, view)


def _view(rng: np.random.Generator, road: Road) -> View | None:
    """A camera that has the whole crosswalk in its picture."""
    left, right = road.kerbs
    corners = [(x, y) for x in (left - 1, right + 1) for y in (road.near, road.far)]
    for _ in range(30):
        view = some_view(rng, road)
        try:
            points = np.array(view.pixels(corners))
            road.site(view, "probe")
        except ValueError:
            continue
        if (points > 0.015 * np.array(view.frame)).all() and (points < 0.97 * np.array(view.frame)).all():
            return view
    return None


def judge(draft: Draft[Road], times: Array, seen: Sequence[Sight]) -> tuple[list[Any], list[Any]] | None:
    """(expected events, tolerated events); None when the truth is too near a threshold for any judge."""
    margins = MARGINS if draft.place.calibrated else UNCALIBRATED
    by_lean = {lean: _passages(draft, times, seen, margins, lean) for lean in (-1, 0, 1)}
    events, tolerated = [], []
    for name in sorted(set().union(*by_lean.values())):
        found = {lean: by_lean[lean].get(name) for lean in by_lean}
        verdicts = {passed is not None and passed.guilty for passed in found.values()}
        if len(verdicts) > 1:
            if not draft.busy:
                return None
            leaning = found[1] or found[0]
            if leaning is not None:
                event = _event(draft, leaning, leaning, margins, ["candidate", "needs_human"])
                tolerated.append({key: value for key, value in event.items() if key != "t_first"})
            continue
        if verdicts == {True} and found[0] is not None and found[1] is not None and found[-1] is not None:
            event = _expected(draft, times, seen, (found[-1], found[0], found[1]), margins)
            if event is not None:
                events.append(event)
    if draft.busy and len(tolerated) > max(1, len(events)):
        return None
    return events, tolerated


def _passages(
    draft: Draft[Road], times: Array, seen: Sequence[Sight], margins: Margins, lean: int
) -> dict[str, Passed]:
    least = {-1: _WHOLE, 0: 0.8, 1: 0.3}[lean]
    spans = {}
    for sight in seen:
        vehicle = sight.actor.role == "vehicle"
        at = times[sight.shown >= (least if vehicle else _VISIBLE)]
        if len(at) >= 4:
            spans[sight.actor.name] = (float(at[2] if vehicle else at[0]), float(times[sight.shown >= 0.2][-1]))
    case = Case(draft.place, draft.actors, spans, margins)
    return {passed.vehicle.name: passed for passed in yield_law.passages(case, lean)}


def _expected(
    draft: Draft[Road], times: Array, seen: Sequence[Sight], leans: tuple[Passed, Passed, Passed], margins: Margins
) -> dict[str, Any] | None:
    """The event of a guilty passage, None where something excuses it whatever the pedestrians did."""
    _, passed, _ = leans
    if passed.vehicle.facts.get("emergency"):
        return None
    state = draft.signal(passed.t2) if draft.signal else None
    if state == "vehicle_green":
        return None
    verdict = ["candidate"]
    sight = _sure(draft, times, seen, leans, margins)
    if (draft.place.signal and state is None) or passed.vehicle.kind == "motorcycle" or sight == "hidden":
        verdict = ["needs_human"]
    elif sight == "partly":
        verdict = ["candidate", "needs_human"]
    return _event(draft, leans[2], leans[0], margins, verdict) | {"truth": _truth(passed)}


def _sure(
    draft: Draft[Road], times: Array, seen: Sequence[Sight], leans: tuple[Passed, Passed, Passed], margins: Margins
) -> str:
    """Whether the view bears an outright accusation: sure, partly (either verdict is right), hidden (only a question).

    C2 point 5 (visible in 70 % of the frames of t1..t2) with room of 15 % for the detector's own misses, and the
    exclusion of a bus or truck between vehicle and pedestrian at t1.
    """
    by_name = {sight.actor.name: sight for sight in seen}
    best = "hidden"
    sides = [set(_unblocked(draft, one, margins)) for one in leans]
    for name, t1 in leans[1].accusers.items():
        between = (times >= t1) & (times <= leans[1].t2)
        shown = by_name[name].shown[between]
        share = float((shown >= _VISIBLE).mean()) if len(shown) else 0.0
        gap = _longest(times[between], shown >= _VISIBLE)
        track = by_name[leans[1].vehicle.name].shown[between]
        followed = bool((track >= 0.3).mean() > 0.9) if len(track) else False
        open_view = all(name in side for side in sides)
        blind = not any(name in side for side in sides)
        if share >= 0.85 and gap < 0.6 and open_view and followed:
            return "sure"
        if share >= 0.55 and not blind:
            best = "partly"
    return best


def _unblocked(draft: Draft[Road], passed: Passed, margins: Margins) -> list[str]:
    case = Case(draft.place, draft.actors, {}, margins)
    return [
        name
        for name, t1 in passed.accusers.items()
        if not yield_law.blocked(case, Passed(passed.vehicle, passed.lane, passed.t2, passed.t3, {name: t1}))
    ]


def _longest(times: Array, shown: NDArray[np.bool_]) -> float:
    """The longest stretch without sight [s]."""
    at = times[shown]
    return float(np.diff(at).max()) if len(at) > 1 else np.inf


def _event(draft: Draft[Road], early: Passed, late: Passed, margins: Margins, verdict: list[str]) -> dict[str, Any]:
    road, vehicle = draft.place, early.vehicle
    past, _ = yield_law.front(vehicle, road, early.lane)
    slack = 2 * margins.place_m + (0.8 if vehicle.kind in {"bus", "truck"} else 0.0)
    near = vehicle.way.t[(np.abs(past) <= slack) & (vehicle.way.t <= early.t2 + 4) & (vehicle.way.t >= early.t2 - 12)]
    firsts = list(early.accusers.values()) + list(late.accusers.values())
    return {
        "rule": "failure_to_yield",
        "zone_id": "zebra",
        "lane_id": early.lane,
        "vehicle": vehicle.name,
        "verdict": verdict,
        "t_first": window(min(firsts, default=0.0) - 0.6, max(firsts, default=0.0) + 0.8),
        "t_trigger": window(min(float(near[0]), early.t2) - 0.4, max(float(near[-1]), early.t2) + 0.4),
        "needs_human_ok": "candidate" not in verdict or len(verdict) == 2,
    }


def _truth(passed: Passed) -> dict[str, float]:
    found = {"t_first": min(passed.accusers.values()), "t_trigger": passed.t2}
    if passed.t3 is not None:
        found["t_last"] = passed.t3
    return {key: round(float(value), 3) for key, value in found.items()}


def _expect(
    draft: Draft[Road], recording: Recording, seed: int, events: list[Any], tolerated: list[Any]
) -> dict[str, Any]:
    road = draft.place
    return {
        "events": events,
        "tolerated": tolerated,
        "start": "2026-01-05T22:30:00+08:00" if recording.light == "night" else draft.start,
        "tags": {
            "kind": draft.kind,
            "light": recording.light,
            "policy": road.policy,
            "calibrated": road.calibrated,
            "fps": recording.fps,
            "ids": recording.ids,
            "seed": seed,
        },
        "note": f"{recording.unsteady}; centre {road.centre}; {road.lanes_each_way} lane(s) each way",
    }
