"""Ring, jumps, addresses and logs: what needs no camera."""

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.box import shares
from edge.cameras.address import is_local, scrubbed, shown
from edge.cameras.link import CameraLink
from edge.cameras.nal import annexb, parameters
from edge.cameras.packets import CameraPacket, StreamInfo
from edge.cameras.ring import PacketRing, cut
from edge.cameras.source import RawPacket, reckoned
from edge.evidence.clip import ClipError, alike, write_clip
from edge.evidence.keeper import wanted_span
from edge.logs import configure, quiet

INFO = StreamInfo("h264", 1280, 720)


def wall(t: float) -> datetime:
    return datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=t)


def packet(t: float, key: bool = False, size: int = 100, info: StreamInfo = INFO) -> CameraPacket:
    return CameraPacket(round(t, 6), round(t, 6), 0.04, b"x" * size, key, False, info)


def stream(seconds: float, gop: int = 25, fps: int = 25, size: int = 100) -> Iterator[CameraPacket]:
    for index in range(round(seconds * fps)):
        yield packet(index / fps, index % gop == 0, size)


def test_a_ring_keeps_its_seconds_in_whole_groups() -> None:
    ring = PacketRing(3.0, wall)
    for one in stream(10):
        ring.append(one)
    first, last = ring.span()
    assert last == 9.96 and 3.0 <= last - first <= 4.0
    assert ring.packets(-5, 99)[0].keyframe


def test_a_ring_keeps_its_bytes() -> None:
    ring = PacketRing(60.0, wall, max_bytes=20_000)
    for one in stream(20, size=200):
        ring.append(one)
        assert ring.held_bytes <= 25_000


def test_a_stream_without_a_second_keyframe_cannot_fill_the_memory() -> None:
    ring = PacketRing(60.0, wall, max_bytes=10_000)
    for one in stream(60, gop=10_000_000):
        ring.append(one)
        assert ring.held_bytes <= 20_100


def test_what_comes_before_the_first_keyframe_is_not_kept() -> None:
    ring = PacketRing(5.0, wall)
    ring.append(packet(0.0))
    assert ring.span() == (0.0, 0.0) and ring.held_bytes == 0


def test_a_reader_left_behind_comes_back_at_a_keyframe() -> None:
    ring = PacketRing(2.0, wall)
    cursor = 0
    for one in stream(1):
        ring.append(one)
    got, cursor = ring.after(cursor, 0)
    assert len(got) == 25
    for one in stream(20):
        ring.append(packet(one.t + 1.0, one.keyframe))
    got, cursor = ring.after(cursor, 0)
    assert got[0].keyframe and got[-1].t == 20.96
    assert ring.after(cursor, 0)[0] == []


def test_closing_lets_a_waiting_reader_go() -> None:
    ring = PacketRing(2.0, wall)
    done: list[object] = []
    waiter = threading.Thread(target=lambda: done.append(ring.after(0, 60)))
    waiter.start()
    ring.close()
    waiter.join(10)
    assert done == [([], 0)]


@given(t0=st.floats(-2, 12), t1=st.floats(-2, 12), gop=st.integers(1, 60))
def test_a_cut_begins_at_the_last_keyframe_before_and_ends_in_time(t0: float, t1: float, gop: int) -> None:
    held = list(stream(10, gop))
    part = cut(held, t0, t1)
    if part:
        assert part[0].keyframe
        assert part[-1].dts <= t1
        later = [one.t for one in held if one.keyframe and part[0].t < one.t <= t0]
        assert not later
        assert [one.t for one in part] == [one.t for one in held if part[0].t <= one.t <= t1]


def test_a_clip_does_not_reach_over_a_change_of_the_stream() -> None:
    other = StreamInfo("h264", 640, 360, epoch=1)
    again = StreamInfo("h264", 1280, 720, epoch=2)
    held = [packet(0, True), packet(0.04), packet(1, True, info=other), packet(1.04, info=other)]
    assert [p.t for p in alike(held, 0.5)] == [0, 0.04]
    assert [p.t for p in alike(held, 1.02)] == [1, 1.04]
    joined = [packet(0, True), packet(0.04), packet(5, True, info=again)]
    assert [p.t for p in alike(joined, 5)] == [0, 0.04, 5]


def test_without_a_keyframe_there_is_no_clip(tmp_path) -> None:
    with pytest.raises(ClipError, match="no keyframe"):
        write_clip([packet(0.0)], tmp_path / "clip.mp4")


@pytest.mark.parametrize(("first", "last", "span"), [(20, 60, (17, 62)), (20, 21, (13, 23)), (20, 25, (17, 27))])
def test_a_clip_reaches_before_and_after_and_lasts_ten_seconds(first: float, last: float, span: tuple) -> None:
    assert wanted_span(first, last) == span


def test_length_prefixes_become_start_codes_and_nothing_else_changes() -> None:
    extradata = bytes([1, 100, 0, 31, 0xFF, 0xE1]) + b"\x00\x03SPS" + b"\x01" + b"\x00\x02PP"
    assert parameters("h264", extradata) == b"\0\0\0\1SPS\0\0\0\1PP"
    data = b"\0\0\0\x04unit" + b"\0\0\0\x02ab"
    assert annexb(data, extradata, "h264") == b"\0\0\0\1unit\0\0\0\1ab"
    with pytest.raises(ValueError, match="cut short"):
        annexb(data[:-1], extradata, "h264")
    already = b"\0\0\0\1unit"
    assert annexb(already, already, "h264") is already


def raw(pts: float, monotonic: float, arrived: float = 0.0, reported: float | None = None) -> RawPacket:
    return RawPacket(pts, pts, 0.04, b"x", True, False, reported, arrived or monotonic, monotonic)


def test_a_backlog_is_reckoned_back_from_the_packet_that_was_waited_for() -> None:
    backlog = [raw(1.0, 50.0), raw(1.5, 50.001), raw(2.0, 50.002, reported=900.0), raw(2.04, 50.03, reported=900.04)]
    made = reckoned(backlog)
    assert [round(one.monotonic, 3) for one in made] == [48.99, 49.49, 49.99, 50.03]
    assert made[0].reported == pytest.approx(899.0)
    assert reckoned([]) == []


def test_stamps_that_go_back_or_leap_begin_a_new_epoch_and_a_gap_in_arrival_does_not() -> None:
    got: list[CameraPacket] = []
    link = CameraLink("cam-1", "rtsp://127.0.0.1/x", got.append)
    now = 100.0
    for pts, wait in [(5.0, 0.0), (5.04, 0.04), (11.0, 6.0), (11.04, 0.04), (3.0, 0.04), (3.04, 0.04), (90.0, 0.04)]:
        now += wait
        link._take(raw(pts, now), INFO)
    assert [one.info.epoch for one in got] == [0, 0, 0, 0, 1, 1, 2]
    times = [one.t for one in got]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(6.2, abs=0.01)
    assert link.jumps == 2


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("rtsp://user:p%40ss@10.0.0.5:554/a?x=1", "rtsp://user:***@10.0.0.5:554/a?x=1"),
        ("rtsp://user:p@ss@cam/a", "rtsp://user:***@cam/a"),
        ("rtsp://user@cam/a", "rtsp://user@cam/a"),
        ("rtsp://cam/a?user=u&password=hush&ch=1", "rtsp://cam/a?user=u&password=***&ch=1"),
        ("/video.mp4", "/video.mp4"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, seen: str) -> None:
    assert shown(url) == seen


def test_an_error_of_a_library_is_scrubbed() -> None:
    url = "rtsp://user:p%40ss@cam/a"
    assert "p%40ss" not in scrubbed(f"cannot open {url}", url)
    assert "p@ss" not in scrubbed("login user:p@ss failed", url)


def test_logs_hide_passwords(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        configure()
        logging.getLogger("x").warning("lost %s", "rtsp://user:hush@cam/a")
    finally:
        logging.getLogger().handlers[:] = before
    told = capsys.readouterr().err
    assert "hush" not in told and "rtsp://user:***@cam/a" in told
    assert quiet("see http://a/b:c@d") == "see http://a/b:c@d"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("rtsp://127.0.0.1:8554/x", True),
        ("rtsp://[::1]/x", True),
        ("file:///a.mp4", True),
        ("rtsp://10.0.0.1/x", False),
    ],
)
def test_whose_clock_it_is(url: str, local: bool) -> None:
    assert is_local(url) is local


@given(count=st.integers(0, 100), size=st.integers(1, 32))
def test_cameras_are_dealt_out_evenly(count: int, size: int) -> None:
    names = [f"cam-{number}" for number in range(count)]
    dealt = shares(names, size)
    assert sorted(name for share in dealt for name in share) == sorted(names)
    assert all(len(share) <= size for share in dealt)
    assert not dealt or max(map(len, dealt)) - min(map(len, dealt)) <= 1
