"""What a live camera's looks are counted as: a picture that the box was too slow for is shed, and counted once."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import yaml

from contract.events import Clock, ModelRef
from edge.analysis import Analysis
from edge.attention import Attention
from edge.cameras.file import FilePackets
from edge.cameras.live import LiveReader
from edge.cameras.ring import PacketRing
from edge.config import Detection
from edge.detect.protocol import LateError
from edge.figures import Figures
from edge.frames import Detections
from edge.plan import looker
from edge.plan.counts import Counts
from edge.replay import place_of
from tests.scenes.recordings import record

SIZE = (320, 192)
KERB = {"id": "kerb", "type": "no_parking", "polygon": [[20, 20], [300, 20], [300, 180], [20, 180]]}
WRITERS: set[int] = set()


class Signed(Counts):
    """Counts that remember which threads wrote them."""

    def __setattr__(self, name: str, value: object) -> None:
        WRITERS.add(threading.get_ident())
        super().__setattr__(name, value)


class Overloaded:
    """The detector of a box that is too slow for every second picture."""

    model = ModelRef(name="eyes", version="1", sha256="a" * 64)

    def __init__(self) -> None:
        self.asked, self.late, self.threads = 0, 0, set[int]()

    def detect(self, picture: np.ndarray) -> Detections:
        self.threads.add(threading.get_ident())
        self.asked += 1
        if self.asked % 2 == 0:
            self.late += 1
            raise LateError("too slow")
        return Detections.empty()

    def close(self) -> None:
        pass


def wall(t: float) -> datetime:
    return datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=t)


@pytest.mark.parametrize("plan", ["full", "auto"])
def test_what_was_shed_is_counted_by_the_thread_that_counts_everything_else(
    tmp_path: Path, plan: Literal["full", "auto"], monkeypatch: pytest.MonkeyPatch
) -> None:
    film = record(tmp_path / "cam-1.mp4", seconds=12, gop=25, size=SIZE)
    site = {"site": "s-1", "name": "s-1", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default"}
    camera = {"id": "cam-1", "url": film.as_uri(), "frame": [*SIZE], "zones": [KERB]}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site | {"cameras": [camera]}))
    place = place_of(tmp_path / "site.yaml", None)
    monkeypatch.setattr(looker, "Counts", Signed)
    WRITERS.clear()
    ring, figures, detector = PacketRing(20.0, wall), Figures(), Overloaded()
    reader = LiveReader(ring)

    def analysis() -> Analysis:
        return Analysis(place, wall, lambda: Clock(source="file"), detector)

    attention = Attention(place, Detection(plan=plan), reader, detector, figures, analysis)
    for packet in FilePackets(film, wall).walk():
        ring.append(packet)
        for _ in attention.look(reader.next(0.0, eager=attention.running)):
            pass
    assert detector.late
    assert (figures.counts.shed, figures.counts.looked) == (detector.late, detector.asked - detector.late)
    assert {threading.get_ident()} == WRITERS
    assert (threading.get_ident() in detector.threads) is (plan == "auto"), "a run asks beside its decoding"
