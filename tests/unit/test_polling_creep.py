"""A lens that is turned little by little takes the followed reference along, and is told by the first one."""

import json

import cv2
import numpy as np
import pytest

from edge.polling import baseline, examine
from edge.polling.baseline import from_json
from edge.polling.matters import Begun
from edge.polling.pixels import Area
from edge.polling.watch import FeedWatch
from tests.bench.tamper_scenes import BEGIN, camera, turned

STEP_S = 5.0


def room(rng: np.random.Generator) -> np.ndarray:
    """Boards, frames and papers on a wall: real enough for corners to be found."""
    picture = np.full((432, 768, 3), 170, np.uint8)
    for _ in range(160):
        x, y = int(rng.integers(0, 740)), int(rng.integers(0, 410))
        size = int(rng.integers(8, 60)), int(rng.integers(8, 60))
        cv2.rectangle(picture, (x, y), (x + size[0], y + size[1]), tuple(int(v) for v in rng.integers(20, 240, 3)), -1)
    return picture


@pytest.mark.parametrize(("share", "told"), [(0.0, False), (0.004, True)])
def test_what_creeps_is_told(monkeypatch: pytest.MonkeyPatch, share: float, told: bool) -> None:
    """`share` of the width for every renewal of the landmarks, eight of them; each alone is within what a look forgives."""
    monkeypatch.setattr(examine, "_RENEW", 30)
    monkeypatch.setattr(baseline, "FOLLOW", 1 / 8)
    picture, begun = room(np.random.default_rng(2)), []
    watch = FeedWatch(Area((768, 432)), STEP_S)
    creep = share / (30 * STEP_S)
    stream = camera(lambda _: picture, 330 * STEP_S, STEP_S, lambda p, t: turned(p, creep * max(0.0, t - 80)))
    for one in stream:
        heard, _ = watch.keyframe(one, one.packet.t, BEGIN + one.packet.t)
        begun += [(each.finding.check, one.packet.t) for each in heard if isinstance(each, Begun)]
    assert [check for check, _ in begun] == (["moved"] if told else [])
    if told:
        assert share * (begun[0][1] - 80) / (30 * STEP_S) <= 0.02 + 2 * share
    kept = watch.baseline
    assert kept is not None
    again = from_json(kept.to_json())
    assert np.array_equal(again.anchor, kept.anchor) and np.array_equal(again.reference, kept.reference)


def test_a_baseline_of_an_earlier_version_is_read() -> None:
    watch = FeedWatch(Area((768, 432)), STEP_S)
    picture = room(np.random.default_rng(3))
    for one in camera(lambda _: picture, 100.0, STEP_S):
        watch.keyframe(one, one.packet.t, BEGIN + one.packet.t)
    assert watch.baseline is not None
    said = json.loads(watch.baseline.to_json())
    del said["anchor"]
    old = from_json(json.dumps(said).encode())
    assert np.array_equal(old.anchor, old.reference)
