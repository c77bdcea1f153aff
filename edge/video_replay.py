"""The pictures' half of replay: recorded video through detector, tracker and rules, and evidence cut from the files."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from edge.analysis import Analysis, Output, needed_fps
from edge.cameras.file import FilePackets, joined
from edge.cameras.packets import Picture
from edge.cameras.playlist import Playlist
from edge.config import Detection
from edge.detect.open import open_detector
from edge.evidence.plate import witness
from edge.judgement import Place
from edge.plan.counts import Rates
from edge.plan.looker import Looker
from edge.plan.pace import Pace
from edge.replay import Sink, Start, Tell
from edge.replay_evidence import CaseFolder

#: A line of progress at least this often [s].
_PROGRESS_S = 2.0

Plan = Literal["full", "live"]
Scene = tuple[float, list[Output]]


def replay_videos(  # noqa: PLR0913 - what is judged, by what, and where to
    place: Place,
    videos: list[Path],
    start: Start,
    sink: Sink,
    tell: Tell,
    *,
    model: Path | None,
    evidence: Path | None,
    plates: Path | None = None,
    plan: Plan = "full",
) -> None:
    """Judge video files one after another; `plates` is the folder of the plate reader's weights, used for `evidence`.

    `plan`: `full` decodes everything and looks at every picture that is due, `live` looks as a box does.
    Raises MediaError for a file that cannot be decoded, ModelError for a model that cannot run.
    """
    stores = joined(videos, start.wall)
    detector = open_detector(model)
    tell(f"detector: {detector.model.name} {detector.model.version}")
    analysis = Analysis(place, start.wall, start.clock, detector, replay=True)
    cases = None
    if evidence:
        reader = witness(plates, place.profile.plate_schema, tell)
        cases = CaseFolder(Playlist(stores), evidence, analysis.events, tell, reader)
    default = Detection()
    fps = needed_fps(place.camera, default.parking_fps, default.yield_fps)
    if fps == 0:
        tell(f"camera {place.camera.id} has neither parking zones nor crosswalks: nothing will be judged")

    def take(outputs: list[Output]) -> None:
        sink.take(outputs)
        if cases:
            cases.take(outputs)

    rates = Rates(default.parking_fps, default.yield_fps, default.heartbeat_s)
    scenes = _planned(stores, place, analysis, rates, tell) if plan == "live" else _whole(stores, analysis, fps, tell)
    try:
        for t, outputs in _told(scenes, stores[-1].span()[1], tell):
            take(outputs)
            if cases:
                cases.due(t)
        take(analysis.finish())
        if cases:
            cases.finish()
    finally:
        detector.close()


def _whole(stores: list[FilePackets], analysis: Analysis, fps: float, tell: Tell) -> Iterator[Scene]:
    """Everything decoded, every picture that is due looked at in full resolution."""
    pace = Pace(fps or Detection().parking_fps)
    for t, picture in _pictures(stores, pace, tell):
        yield t, analysis.look(t, picture)


def _planned(stores: list[FilePackets], place: Place, analysis: Analysis, rates: Rates, tell: Tell) -> Iterator[Scene]:
    """Looked at by the very plan that runs live, packet by packet."""
    looker = Looker(place.camera, analysis.plane, analysis, rates)
    for store in stores:
        looker.begins(store.begins)
        for packet in store.walk():
            for outputs in looker.take([packet]):
                yield looker.t, outputs
        if store.trouble:
            tell(store.trouble)
    for outputs in looker.finish():
        yield looker.t, outputs
    tell(_spent(looker))


def _spent(looker: Looker) -> str:
    counts = looker.counts
    share = counts.looked / max(1, counts.packets)
    spent = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in looker.costs.seconds.items())
    return (
        f"plan: {counts.packets} pictures came, {counts.decoded} decoded, {counts.looked} looks of the detector "
        f"({share:.3f} a picture), {counts.gated} held back, {counts.stretches} stretches; cpu: {spent}"
    )


def _pictures(stores: list[FilePackets], pace: Pace, tell: Tell) -> Iterator[tuple[float, Picture]]:
    last = float("-inf")
    for store in stores:
        for t, picture in store.pictures(pace.wants):
            if t > last:
                yield t, picture
                last = t
        if store.trouble:
            tell(store.trouble)


def _told(scenes: Iterator[Scene], end: float, tell: Tell) -> Iterator[Scene]:
    begun = said = time.monotonic()
    for t, outputs in scenes:
        now = time.monotonic()
        if now - said >= _PROGRESS_S:
            said = now
            tell(f"{t:.0f} of {end:.0f} s, {t / (now - begun):.1f} x real time")
        yield t, outputs
