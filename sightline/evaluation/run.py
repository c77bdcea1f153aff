"""One labelled scene through the very replay that users have, and what it said."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from contract.errors import SightlineError
from edge.analysis import Judged, Output
from edge.explain import told
from edge.replay import Sink, parse_start, place_of, replay_objects
from sightline.evaluation.labels import LabelledScene

_VIOLATIONS = frozenset({"sightline.violation.illegal_parking", "sightline.violation.failure_to_yield"})


@dataclass(frozen=True, slots=True)
class Said:
    """One event of a violation and, of a stay, its end: `data` as published, `dwell_s` once the stay was closed."""

    rule: str
    zone_id: str
    lane_id: str | None
    verdict: str
    t_first: float
    t_trigger: float
    t_last: float
    dwell_s: float | None = None
    unknown: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a scene gave: its events, every decision as `--explain` prints it, and the error that stopped it, if any."""

    name: str
    events: list[Said] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None


class _Collector(Sink):
    """A replay's sink that remembers instead of printing."""

    def __init__(self) -> None:
        super().__init__(io.StringIO(), None)
        self.judged: list[Judged] = []

    def take(self, outputs: list[Output]) -> None:
        self.judged += [output for output in outputs if isinstance(output, Judged)]


def run_scene(scene: LabelledScene, model: Path | None = None, plan: Literal["full", "live"] = "full") -> Ran:
    """Judge a scene, looked at by `plan`. What is wrong with its input stands in `error`, as users would be told it."""
    sink, notes = _Collector(), list[str]()
    try:
        place = place_of(scene.site, scene.label.camera)
        start = parse_start(scene.label.start, place.site_file.site.zone_info)
        if scene.objects is not None:
            replay_objects(place, scene.objects, start, sink, notes.append)
        elif scene.video is not None:
            from edge.video_replay import replay_videos

            replay_videos(place, [scene.video], start, sink, notes.append, model=model, evidence=None, plan=plan)
    except (SightlineError, ValueError) as error:
        return Ran(scene.name, error=str(error))
    return Ran(scene.name, _events(sink.judged), [told(judged.decision) for judged in sink.judged])


def _events(judged: list[Judged]) -> list[Said]:
    dwell = {
        one.decision.passage: one.decision.numbers.get("dwell_s")
        for one in judged
        if one.decision.outcome.value == "closed"
    }
    return [
        _said(one, dwell.get(one.decision.passage))
        for one in judged
        if one.event is not None and one.event.type in _VIOLATIONS
    ]


def _said(judged: Judged, dwell: object) -> Said:
    decision = judged.decision
    trigger = decision.trigger or decision.first
    return Said(
        rule=decision.rule,
        zone_id=decision.zone_id,
        lane_id=decision.lane_id,
        verdict=decision.verdict,
        t_first=round(float(decision.first.t), 3),
        t_trigger=round(float(trigger.t), 3),
        t_last=round(float(decision.last.t), 3),
        dwell_s=float(dwell) if isinstance(dwell, int | float) else None,
        unknown=tuple(question.fact for question in decision.unknown),
        reason=decision.reason,
    )
