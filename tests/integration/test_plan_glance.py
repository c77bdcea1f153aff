"""A keyframe that comes while a span is looked at goes before the gate at once, and changes no decision."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Semaphore

from edge.cameras.file import FilePackets
from edge.cameras.packets import CameraPacket, Picture
from edge.frames import Detections
from edge.plan.counts import Rates
from edge.plan.looker import Looker
from edge.rules.ground import plane_of
from tests.integration.test_plan_looker import KERB, Truth, camera, film


def _seen(path: Path, ahead_s: float) -> tuple[Truth, list[tuple[float, float]]]:
    """The judge's scenes and decisions; and for each span's picture how far the newest look was ahead of it, s.

    Of each packet the next `ahead_s` are there as well when it is taken, as they are behind a slow analysis.
    """
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    given = camera(KERB)
    judge = Truth(given)
    packets = list(FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk())
    now = 0.0

    def coming(t: float) -> CameraPacket | None:
        return next((one for one in packets if one.keyframe and t < one.t <= now + ahead_s), None)

    looker = Looker(given, plane_of(given), judge, Rates(), coming=coming)
    lead: list[tuple[float, float]] = []
    for packet in packets:
        now = packet.t
        for _ in looker.take([packet]):
            if looker.counts.mode == "stretch" and looker.counts.t_looked is not None:
                lead.append((judge.scenes[-1][0], looker.counts.t_looked - judge.scenes[-1][0]))
    list(looker.finish())
    judge.end()
    return judge, lead


def test_no_zone_waits_for_the_span_of_another_look(tmp_path: Path) -> None:
    def place(t: float) -> float:
        return 250.0 + 120 * max(0.0, 11.3 - t) + 120 * max(0.0, t - 48.7)

    path = film(tmp_path / "a.mp4", 60, place)
    alone, before = _seen(path, 0.0)
    behind, lead = _seen(path, 3.0)
    assert max(by for _, by in before) <= 4.0, "two spans back from the look that asked for them"
    assert max(by for _, by in lead) > max(by for _, by in before) + 1.5, "the next keyframe was looked at meanwhile"
    assert behind.scenes == alone.scenes
    assert behind.said == alone.said


def test_no_zone_waits_for_a_slow_detector(tmp_path: Path) -> None:
    """An answer about a picture of a span that comes only after the next keyframe was looked at: it is looked at."""
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    path = film(tmp_path / "a.mp4", 30, lambda t: 250.0 + 120 * max(0.0, 11.3 - t))
    packets = list(FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk())
    given, waited = camera(KERB), []

    class Slow(Truth):
        def detect(self, picture: Picture) -> Detections | None:
            seen = super().detect(picture)
            if looker.counts.mode == "stretch":
                until, at = time.monotonic() + 5.0, looker.t
                while looker.counts.t_looked is None or looker.counts.t_looked < at + 3.0:
                    if time.monotonic() > until:
                        raise AssertionError("nobody looked while the detector was asked")
                    time.sleep(0.01)
                waited.append(looker.counts.t_looked - at)
            return seen

    looker = Looker(
        given,
        plane_of(given),
        Slow(given),
        Rates(),
        coming=lambda t: next((one for one in packets if one.keyframe and one.t > t), None),
    )
    for packet in packets:
        list(looker.take([packet]))
    list(looker.finish())
    assert waited


def test_who_waits_for_a_turn_at_spans_looks_at_the_next_keyframe_and_gives_up_when_late(tmp_path: Path) -> None:
    """Another camera of the worker keeps the turn: the span is passed over and counted, no zone waits for it."""
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    path = film(tmp_path / "a.mp4", 30, lambda t: 250.0 + 120 * max(0.0, 11.3 - t))
    packets = list(FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk())
    given, leads, now = camera(KERB), [], 0.0

    def newest() -> float:
        nonlocal now
        if looker.counts.t_looked is not None:
            leads.append(looker.counts.t_looked - looker.t)
        now += 1.0  # a second passes each time that it is asked how late it is
        return now

    def coming(t: float) -> CameraPacket | None:
        return next((one for one in packets if one.keyframe and t < one.t <= now), None)

    judge = Truth(given)
    looker = Looker(given, plane_of(given), judge, Rates(), newest=newest, coming=coming, turns=Semaphore(0))
    for packet in packets:
        now = packet.t
        list(looker.take([packet]))
    assert looker.counts.stretches == 0
    assert looker.counts.shed > 0
    assert max(leads) >= 4.0, "two looks ahead of the last scene: the span's own and the next keyframe's"
    assert any(seen for _, seen in judge.scenes), "what keyframes show is told all the same"


def test_an_idle_box_sheds_no_span_of_a_look_that_waited(tmp_path: Path) -> None:
    """Traffic puts looks off and then somebody stays: those looks are old when it is decided, and the box is not late."""

    def place(t: float) -> float:
        passing = 250.0 + 250 * (t // 2 % 2) + 30 * (t % 2 - 1)
        return passing if t < 7.8 else 250.0 + 120 * max(0.0, 9.3 - t)

    path = film(tmp_path / "a.mp4", 30, place)
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    packets = list(FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk())
    assert _scenes(packets, live=True) == _scenes(packets, live=False)


def test_the_longest_time_between_two_looks_is_told(tmp_path: Path) -> None:
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    path = film(tmp_path / "a.mp4", 30, lambda _: 250.0)
    packets = list(FilePackets(path, lambda t: begin + timedelta(seconds=t)).walk())
    broken = [one for one in packets if not 9.9 < one.t < 15.9]
    gaps = []
    for shown in (packets, broken):
        given = camera(KERB)
        looker = Looker(given, plane_of(given), Truth(given), Rates())
        for packet in shown:
            list(looker.take([packet]))
        gaps.append(looker.counts.look_gap_s)
    assert 1.9 <= gaps[0] <= 2.1, "a keyframe every two seconds, and each is looked at"
    assert 5.9 <= gaps[1] <= 8.1, "six seconds without a picture are no look"


def _scenes(packets: list[CameraPacket], *, live: bool) -> list[tuple[float, int]]:
    """What the rules are fed; `live`: the looker knows how late it is, which is never."""
    given = camera(KERB)
    judge = Truth(given)
    now = 0.0
    looker = Looker(given, plane_of(given), judge, Rates(), newest=(lambda: now) if live else None)
    for packet in packets:
        now = packet.t
        list(looker.take([packet]))
    list(looker.finish())
    assert looker.counts.shed == 0
    assert looker.counts.stretches > 0
    return judge.scenes
