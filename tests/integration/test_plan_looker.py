"""A camera's looks on real streams: keyframes, stretches and full rate through codec, gate and plan.

The detector here reads the truth out of the picture: a car is a bright block on a dark road.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import cv2
import numpy as np
import pytest

from contract.site import Camera, Lane
from edge.cameras.file import FilePackets
from edge.cameras.packets import Picture
from edge.frames import CAR, PERSON, Detections, Scene
from edge.plan.choice import Heed
from edge.plan.counts import Rates
from edge.plan.looker import Looker
from edge.rules.decision import Decision, Outcome, Saying
from edge.rules.ground import plane_of
from edge.rules.parking import ParkingRule
from edge.track.tracker import Tracker

SIZE = (640, 360)
POLYGON = [[200, 180], [420, 180], [420, 300], [200, 300]]
KERB: dict[str, object] = {"id": "kerb", "type": "no_parking", "polygon": POLYGON, "permitted_wait_s": 25}
FPS = 12.5
Place = Callable[[float], float | None]


def camera(*zones: dict[str, object]) -> Camera:
    return Camera.model_validate({"id": "cam-1", "url": "rtsp://127.0.0.1/x", "frame": SIZE, "zones": zones})


def film(path: Path, seconds: float, place: Place, gop_s: float = 2.0, bframes: int = 0) -> Path:
    """A road on which one car's left edge is at `place(t)` px; None while it is not there."""
    road = np.random.default_rng(3).integers(40, 90, (SIZE[1] // 4, SIZE[0] // 4, 3), dtype=np.uint8)
    road = cv2.resize(road, SIZE, interpolation=cv2.INTER_CUBIC)
    gop = round(gop_s * FPS)
    options = {"preset": "ultrafast", "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}"}
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=Fraction(25, 2), options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(round(seconds * FPS)):
            picture = road.copy()
            if (left := place(index / FPS)) is not None:
                cv2.rectangle(picture, (round(left), 220), (round(left) + 100, 280), (235, 240, 240), -1)
                cv2.rectangle(picture, (round(left) + 20, 230), (round(left) + 80, 245), (150, 120, 110), -1)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        target.mux(stream.encode(None))
    return path


class Truth:
    """A judge that sees bright blocks, lets the real rule judge and remembers every scene that it was given."""

    def __init__(self, given: Camera) -> None:
        self.scenes: list[tuple[float, int]] = []
        self.said: list[Decision] = []
        self._tracker = Tracker()
        begin = datetime(2026, 1, 5, 2, tzinfo=UTC)
        zone = ZoneInfo("Asia/Shanghai")
        self._rule = ParkingRule(given, zone, lambda t: begin + timedelta(seconds=t), plane_of(given))

    def detect(self, picture: Picture) -> Detections | None:
        bright = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) > 180).astype(np.uint8)
        bright = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((31, 31), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(bright)
        found = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:count] if area > 1500]
        boxes = np.array(found, np.float32).reshape(-1, 4)
        return Detections(boxes, np.full(len(found), 0.9, np.float32), np.full(len(found), CAR, np.int8))

    def seen(self, t: float, seen: Detections) -> list[object]:
        self.scenes.append((t, len(seen)))
        said = self._rule.step(Scene(t, self._tracker.update(t, seen)))
        self._note(said)
        return []

    def end(self) -> None:
        self._note(self._rule.finish())

    def _note(self, said: Iterable[Saying]) -> None:
        self.said += [one for one in said if isinstance(one, Decision)]

    def heed(self) -> Heed:
        return Heed(self._rule.standers())


def run(path: Path, *zones: dict[str, object], plan: str = "auto", rates: Rates | None = None) -> tuple[Truth, Looker]:
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    given = camera(*zones)
    judge = Truth(given)
    looker = Looker(given, plane_of(given), judge, rates or Rates(), plan=plan)  # type: ignore[arg-type]
    for packet in FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk():
        list(looker.take([packet]))
    list(looker.finish())
    judge.end()
    times = [t for t, _ in judge.scenes]
    assert times == sorted(set(times)), "scenes must rise"
    return judge, looker


class Anywhere(Truth):
    """The same of a part of a picture: boxes in px of `frame`, as if it were the whole."""

    def detect(self, picture: Picture) -> Detections | None:
        seen = super().detect(picture)
        assert seen is not None
        self.shown = picture.shape[1], picture.shape[0]
        ratio = np.array([SIZE[0] / self.shown[0], SIZE[1] / self.shown[1]] * 2, np.float32)
        return Detections(seen.boxes * ratio, seen.scores, seen.classes)


def test_a_detector_that_is_shown_the_kerb_alone_says_the_same(tmp_path: Path) -> None:
    """`detect: zones`: boxes come back to where they are in the camera's frame, and the wait is the same."""
    path = film(tmp_path / "a.mp4", 60, lambda t: 260.0 + 120 * max(0.0, 11.3 - t) + 120 * max(0.0, t - 48.7))
    kerb = KERB | {"polygon": [[240, 240], [380, 240], [380, 290], [240, 290]]}
    lane = {"id": "r1", "polygon": [[230, 290], [390, 290], [390, 310], [230, 310]], "towards": [230, 300]}
    said, shown = [], []
    for way in ("picture", "zones"):
        given = camera(kerb).model_copy(update={"detect": way, "lanes": [Lane.model_validate(lane)]})
        judge = Anywhere(given)
        looker = Looker(given, plane_of(given), judge, Rates())
        for packet in FilePackets(path, lambda t: datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=t)).walk():
            list(looker.take([packet]))
        list(looker.finish())
        judge.end()
        said.append([(one.outcome, one.first.t, one.last.t) for one in judge.said if one.outcome is not Outcome.CLOSED])
        shown.append(judge.shown)
    assert shown[0] == SIZE
    assert shown[1] != SIZE, "a part of the picture, at most twice as large as it is"
    assert [outcome for outcome, _, _ in said[0]] == [outcome for outcome, _, _ in said[1]] == [Outcome.VIOLATION]
    assert said[1][0][1:] == pytest.approx(said[0][0][1:], abs=1.0)  # a look or two: its edges are sharper there


def test_an_empty_road_is_held_back_between_heartbeats(tmp_path: Path) -> None:
    judge, looker = run(film(tmp_path / "a.mp4", 40, lambda _: None), KERB)
    assert looker.counts.keyframes == 20
    assert looker.counts.gated >= 14
    assert looker.counts.looked <= 10
    assert looker.counts.decoded <= 20 + 25
    assert max(np.diff([t for t, _ in judge.scenes])) <= 2.01


def test_one_that_comes_stands_and_goes_is_decoded_only_round_its_coming_and_going(tmp_path: Path) -> None:
    def place(t: float) -> float:
        return 250.0 + 120 * max(0.0, 11.3 - t) + 120 * max(0.0, t - 48.7)

    judge, looker = run(film(tmp_path / "a.mp4", 60, place), KERB)
    dense = np.array([t for t, _ in judge.scenes])
    steps = np.diff(dense)
    close = dense[1:][steps < 0.6]
    assert ((close > 9.9) & (close < 12.1)).sum() >= 4, "its coming is looked at closely"
    assert ((close > 47.9) & (close < 51)).sum() >= 4, "its going is looked at closely"
    still = (close > 18) & (close < 34) | (close > 40) & (close < 46)
    assert not still.any(), "its standing is not"
    (accused, closed) = judge.said
    assert accused.outcome is Outcome.VIOLATION and accused.trigger is not None
    assert accused.first.t == pytest.approx(11.3, abs=0.7)
    assert accused.trigger.t == pytest.approx(36.3, abs=1.0)
    assert closed.last.t == pytest.approx(48.7, abs=0.7)
    standing = [count for t, count in judge.scenes if 12 < t < 48]
    assert set(standing) == {1}, "held or detected, it is in every scene"
    assert looker.counts.looked < 0.05 * looker.counts.packets * 2
    assert looker.counts.stretches <= 10


def test_what_passes_through_the_zone_is_not_decoded_whole(tmp_path: Path) -> None:
    judge, looker = run(film(tmp_path / "a.mp4", 40, lambda t: (t % 7.3) * 200 - 100), KERB)
    assert looker.counts.stretches <= 1, "what is undecided at the end is looked at whole"
    assert looker.counts.looked <= 20 + 10
    assert max(np.diff([t for t, _ in judge.scenes])) <= 2.01


@pytest.mark.parametrize(("gop_s", "bframes"), [(10.0, 0), (4.0, 2), (0.8, 0)])
def test_whatever_the_distance_of_keyframes_no_zone_goes_unlooked_at_for_longer(
    tmp_path: Path, gop_s: float, bframes: int
) -> None:
    path = film(tmp_path / "a.mp4", 41, lambda t: 250.0 if t > 21.3 else None, gop_s, bframes)
    judge, looker = run(path, KERB)
    gaps = np.diff([t for t, _ in judge.scenes])
    assert max(gaps) <= 2.0 + 1 / FPS + 1e-6
    first = next(t for t, count in judge.scenes if count)
    assert first <= 21.3 + 0.6
    if gop_s < 1:
        assert looker.counts.decoded < 0.25 * looker.counts.packets
    assert looker.counts.looked < 0.1 * looker.counts.packets


def test_plan_full_looks_at_the_rate_of_the_rule_all_the_time(tmp_path: Path) -> None:
    judge, looker = run(film(tmp_path / "a.mp4", 10, lambda _: 250.0), KERB, plan="full")
    assert looker.counts.gated == 0
    assert 18 <= len(judge.scenes) <= 22
    assert looker.counts.decoded >= 120


def test_a_camera_with_nothing_to_judge_is_not_decoded(tmp_path: Path) -> None:
    judge, looker = run(film(tmp_path / "a.mp4", 10, lambda _: 250.0))
    assert (looker.counts.decoded, looker.counts.looked, judge.scenes) == (0, 0, [])
    assert looker.counts.mode == "demux"
    assert looker.counts.packets == 125


def test_a_box_that_is_too_slow_sheds_spans_and_says_so(tmp_path: Path) -> None:
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    path = film(tmp_path / "a.mp4", 20, lambda t: 250.0 if t > 5 else None)
    packets = list(FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk())
    given = camera(KERB)
    judge = Truth(given)
    looker = Looker(given, plane_of(given), judge, Rates(), newest=lambda: 1e6)
    list(looker.take(packets))
    assert looker.counts.shed > 0
    assert looker.counts.stretches == 0
    # A look that was put off is no scene while its span is not decoded: nobody has looked.
    assert max(np.diff([t for t, _ in judge.scenes])) <= 4.01


def test_one_who_arrives_is_never_fed_as_absent_once_it_was_seen(tmp_path: Path) -> None:
    """Put-off looks within a span that is decoded whole are no scenes: nobody has looked at them."""
    judge, _ = run(film(tmp_path / "a.mp4", 20, lambda t: 250.0 if t > 5 else None), KERB)
    shown = [count > 0 for t, count in judge.scenes if t > 5.05]
    assert shown.index(True) <= 1 and all(shown[shown.index(True) :])


def test_who_left_the_kerb_right_after_the_crosswalk_was_watched_is_not_held_to_stand(tmp_path: Path) -> None:
    """While a run lasts the gate sees nothing: the picture of before must not speak for the one after."""
    lane = {"id": "l1", "polygon": [[60, 0], [120, 0], [120, 120], [60, 120]], "towards": [90, 110]}
    polygon = [[40, 20], [140, 20], [140, 60], [40, 60]]
    walk: dict[str, object] = {"id": "walk", "type": "crosswalk", "polygon": polygon, "lanes": [lane]}

    class Walked(Truth):
        def detect(self, picture: Picture) -> Detections | None:
            seen = super().detect(picture)
            if seen is None or looker.t > 8.0:
                return seen
            somebody = np.array([[84.0, 10.0, 96.0, 40.0]], np.float32)
            return Detections(
                np.concatenate([seen.boxes, somebody]),
                np.append(seen.scores, np.float32(0.9)),
                np.append(seen.classes, np.int8(PERSON)),
            )

    path = film(tmp_path / "a.mp4", 24, lambda t: 250.0 if 5.0 <= t < 13.9 else None)
    given = camera(KERB, walk)
    judge = Walked(given)
    looker = Looker(given, plane_of(given), judge, Rates(heartbeat_s=30.0))
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    ran = []
    for packet in FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk():
        list(looker.take([packet]))
        ran.append((packet.t, looker.running))
    assert any(running for t, running in ran if 6 < t < 12) and not any(running for t, running in ran if t > 14.5)
    assert any(count for t, count in judge.scenes if 8 < t < 13.9)
    assert not any(count for t, count in judge.scenes if t >= 13.9)


def test_the_costs_stand_on_the_card_of_their_stage(tmp_path: Path) -> None:
    _, looker = run(film(tmp_path / "a.mp4", 20, lambda t: 250.0 if t > 5 else None), KERB)
    assert set(looker.costs.seconds) == {"decode", "gate", "detect", "rules"}
    assert all(seconds > 0 for seconds in looker.costs.seconds.values())
