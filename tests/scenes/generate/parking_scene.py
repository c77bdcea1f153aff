"""From a parking draft to a labelled scene: a camera, what it sees, what the law says of the truth, what is expected."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import opening_hours
from numpy.typing import NDArray

from tests.scenes.generate import parking_law
from tests.scenes.generate.draft import Draft
from tests.scenes.generate.kerb import Kerb, some_view
from tests.scenes.generate.parking_kinds import KINDS
from tests.scenes.generate.parking_law import Case, Offence, UnclearError
from tests.scenes.generate.scene import Made, Recording, some_recording, window
from tests.scenes.generate.sensing import Reader
from tests.scenes.generate.view import Sight, View, sights

Array = NDArray[np.float64]
#: The product looks at parking cameras twice a second; others may look more or less often.
RATES = {1.0: 0.2, 2.0: 0.4, 5.0: 0.28, 12.5: 0.09, 25.0: 0.03}
TRIES = 60
#: Shown to less than this, nobody can measure where a vehicle stands; a stay must be shown to more.
_WELL = 0.65
#: A pause of the jam veto whose ends are farther than this from what another judge would say is unclear [s].
_PAUSE_S = 1.5


def make(seed: int, name: str, which: str | None = None) -> Made:
    """The scene of a seed: always the same. Raises RuntimeError when no clear one is found (a fault of the kind)."""
    kinds = [kind for kind, _ in KINDS if which is None or kind.__name__ == which]
    weights = np.array([weight for kind, weight in KINDS if which is None or kind.__name__ == which])
    kind = kinds[int(np.random.default_rng([seed, 17]).choice(len(kinds), p=weights / weights.sum()))]
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, 19, attempt])
        made = _attempt(rng, kind(rng), name, seed)
        if made is not None:
            return made
    raise RuntimeError(f"seed {seed}: {kind.__name__} gave no clear scene in {TRIES} tries")


def variants(seed: int, recordings: Sequence[Recording], which: str) -> list[Made]:
    """One and the same scene, recorded in several ways. Raises RuntimeError when it is not clear in all of them."""
    (kind,) = [kind for kind, _ in KINDS if kind.__name__ == which]
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, 19, attempt])
        draft = kind(rng)
        view = _view(rng, draft.place)
        if view is None:
            continue
        made = [record(rng, draft, view, one, f"v{number}", seed) for number, one in enumerate(recordings)]
        if all(made):
            return [one for one in made if one is not None]
    raise RuntimeError(f"seed {seed}: {which} gave no scene that is clear in every recording")


def _attempt(rng: np.random.Generator, draft: Draft[Kerb], name: str, seed: int) -> Made | None:
    view = _view(rng, draft.place)
    recording = some_recording(rng, RATES)
    return None if view is None else record(rng, draft, view, recording, name, seed)


def record(
    rng: np.random.Generator, draft: Draft[Kerb], view: View, recording: Recording, name: str, seed: int
) -> Made | None:
    """What a detector makes of a draft before a camera, with its label; None when the truth is not clear."""
    times = recording.times(rng, draft.t0, draft.t1)
    seen = sights(view, draft.actors, times)
    try:
        found = judge(draft, times, seen)
    except UnclearError:
        return None
    if found is None:
        return None
    reader = Reader(recording.faults, rng, view.frame, recording.ids == "given")
    lines = reader.lines(times, seen)
    sighted = [_proven(offence, reader.sighted[offence.vehicle.name]) for offence in found]
    events = [_event(offence, times) for offence in sighted if offence is not None]
    if len(events) < len(found):
        return None
    expect = _expect(draft, recording, seed, events)
    return Made(name, draft.place.site(view, name), lines, expect, view)


def _view(rng: np.random.Generator, kerb: Kerb) -> View | None:
    """A camera that has the whole zone in its picture."""
    x0, y0, x1, y1 = kerb.zone.rectangle
    for _ in range(40):
        view = some_view(rng)
        try:
            points = np.array(view.pixels([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
            kerb.site(view, "probe")
        except ValueError:
            continue
        if (points > 0).all() and (points < np.array(view.frame)).all():
            return view
    return None


def judge(draft: Draft[Kerb], times: Array, seen: Sequence[Sight]) -> list[Offence] | None:
    """The offences; None when the truth is too near a threshold for any judge.

    Raises UnclearError for a vehicle that hardly moved.
    """
    hours = _hours(draft)
    shown = {sight.actor.name: np.nan_to_num(sight.shown) for sight in seen}
    case = Case(draft.place, draft.actors, times, hours, shown)
    leans = {lean: _by_name(case, lean) for lean in (-1, 0, 1)}
    if not leans[-1].keys() == leans[0].keys() == leans[1].keys():
        return None
    if not _clear_pauses(case, leans[0]):
        return None
    by_name = {sight.actor.name: sight for sight in seen}
    for name, offence in leans[0].items():
        if abs(offence.t_first - leans[-1][name].t_first) > 0.2 or abs(offence.t_first - leans[1][name].t_first) > 0.2:
            return None
        if not _well_seen(by_name[name], times, offence):
            return None
    return list(leans[0].values())


def _by_name(case: Case, lean: int) -> dict[str, Offence]:
    return {offence.vehicle.name: offence for offence in parking_law.offences(case, lean)}


def _clear_pauses(case: Case, found: dict[str, Offence]) -> bool:
    """Whether judges who count the half-hidden and the slow otherwise would say the same pauses of the jam veto."""
    frame = float(np.median(np.diff(case.times)))
    for lean in (-1, 1):
        others = _by_name(replace(case, margins=parking_law.JAM_ALONE), lean)
        if others.keys() != found.keys():
            return False
        if any(abs(others[name].t_trigger - one.t_trigger) > _PAUSE_S + frame for name, one in found.items()):
            return False
    return True


def _well_seen(sight: Sight, times: Array, offence: Offence) -> bool:
    """Whether nothing hides a good part of it for most of its stay, so that its place can be measured."""
    during = sight.shown[(times >= offence.t_first) & (times <= offence.t_end)]
    height = (sight.whole[:, 3] - sight.whole[:, 1])[(times >= offence.t_first) & (times <= offence.t_end)]
    at_start = sight.shown[(times >= offence.t_first - 0.1) & (times <= offence.t_first + 4)]
    at_end = sight.shown[(times >= offence.t_end - 4) & (times <= offence.t_end)]
    steady = float(np.median(during)) >= _WELL and float(np.nanmedian(height)) >= 28
    return steady and bool((at_start >= _WELL).mean() > 0.7) and bool((at_end >= _WELL).mean() > 0.7)


def _hours(draft: Draft[Kerb]) -> parking_law.Hours:
    if draft.place.hours is None:
        return lambda _t: True
    table = opening_hours.OpeningHours(draft.place.hours)
    start = datetime.fromisoformat(draft.start).replace(tzinfo=None)
    return lambda t: bool(table.is_open(start + timedelta(seconds=t)))


def _proven(offence: Offence, sighted: Array) -> Offence | None:
    """The offence with the first detection that proves it; None when none is left to (a miss at the very end)."""
    later = sighted[(sighted >= offence.t_trigger - 1e-6) & (sighted <= offence.t_end - 1.0)]
    return replace(offence, t_trigger=float(later[0])) if len(later) else None


def _event(offence: Offence, times: Array) -> dict[str, Any]:
    """Windows: two seconds and a frame to either side of the truth."""
    frame = 1.5 * float(np.median(np.diff(times)))
    return {
        "rule": "illegal_parking",
        "zone_id": "kerb",
        "verdict": ["candidate"],
        "t_first": window(offence.t_first - 2 - frame, offence.t_first + 2 + frame),
        "t_trigger": window(offence.t_trigger - 2 - frame, offence.t_trigger + 2.5 + 2 * frame),
        "truth": {
            "t_first": round(offence.t_first, 3),
            "t_trigger": round(offence.t_trigger, 3),
            "t_end": round(offence.t_end, 3),
            "dwell_s": round(offence.t_end - offence.t_first, 3),
        },
    }


def _expect(draft: Draft[Kerb], recording: Recording, seed: int, events: list[Any]) -> dict[str, Any]:
    kerb = draft.place
    return {
        "events": events,
        "start": draft.start,
        "tags": {
            "kind": draft.kind,
            "light": recording.light,
            "calibrated": kerb.calibrated,
            "fps": recording.fps,
            "ids": recording.ids,
            "seed": seed,
        },
        "note": f"{recording.unsteady}; wait {kerb.wait_s:g} s; lanes {'drawn' if kerb.drawn_lanes else 'not drawn'}",
    }
