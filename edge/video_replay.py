"""The pictures' half of replay: recorded video through detector, tracker and rules, and evidence cut from the files."""

import time
from collections.abc import Iterator
from pathlib import Path

from edge.analysis import Analysis, Output, Pace, needed_fps
from edge.cameras.file import FilePackets, joined
from edge.cameras.packets import Picture
from edge.cameras.playlist import Playlist
from edge.config import Detection
from edge.detect.open import open_detector
from edge.evidence.plate import witness
from edge.judgement import Place
from edge.replay import Sink, Start, Tell
from edge.replay_evidence import CaseFolder

#: A line of progress at least this often [s].
_PROGRESS_S = 2.0


def replay_videos(
    place: Place,
    videos: list[Path],
    start: Start,
    sink: Sink,
    tell: Tell,
    *,
    model: Path | None,
    evidence: Path | None,
    plates: Path | None = None,
) -> None:
    """Judge video files one after another; `plates` is the folder of the plate reader's weights, used for `evidence`.

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
    pace = Pace(fps or default.parking_fps)

    def take(outputs: list[Output]) -> None:
        sink.take(outputs)
        if cases:
            cases.take(outputs)

    try:
        for t, picture in _told(_pictures(stores, pace, tell), stores[-1].span()[1], tell):
            take(analysis.look(t, picture))
            if cases:
                cases.due(t)
        take(analysis.finish())
        if cases:
            cases.finish()
    finally:
        detector.close()


def _pictures(stores: list[FilePackets], pace: Pace, tell: Tell) -> Iterator[tuple[float, Picture]]:
    last = float("-inf")
    for store in stores:
        for t, picture in store.pictures(pace.wants):
            if t > last:
                yield t, picture
                last = t
        if store.trouble:
            tell(store.trouble)


def _told(pictures: Iterator[tuple[float, Picture]], end: float, tell: Tell) -> Iterator[tuple[float, Picture]]:
    begun = said = time.monotonic()
    for t, picture in pictures:
        now = time.monotonic()
        if now - said >= _PROGRESS_S:
            said = now
            tell(f"{t:.0f} of {end:.0f} s, {t / (now - begun):.1f} x real time")
        yield t, picture
