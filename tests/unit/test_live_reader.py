"""Which packets analysis is given: the small stream's on the main stream's time, and the main one's while that is silent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge.cameras import hardware
from edge.cameras.clock import StreamClock
from edge.cameras.decode import open_decoder
from edge.cameras.live import SILENT_S, LiveReader
from edge.cameras.packets import CameraPacket, StreamInfo
from edge.cameras.ring import PacketRing
from edge.cameras.substream import SubStream

BEGIN = datetime(2026, 1, 5, 10, tzinfo=UTC)
BIG, SMALL = StreamInfo("h264", 1920, 1080), StreamInfo("h264", 640, 360)


def wall(t: float) -> datetime:
    return BEGIN + timedelta(seconds=t)


def packet(t: float, info: StreamInfo, gop_s: float = 2.0) -> CameraPacket:
    return CameraPacket(t, t, 0.5, b"x", t % gop_s == 0, False, info)


def filled(ring: PacketRing, t0: float, t1: float, info: StreamInfo) -> None:
    for step in range(round((t1 - t0) * 2)):
        ring.append(packet(t0 + step / 2, info))


def test_a_reader_is_given_each_packet_once_and_waits_for_keyframes() -> None:
    ring = PacketRing(20, wall)
    reader = LiveReader(ring)
    filled(ring, 0, 3, BIG)
    assert [one.t for one in reader.next(0.0)] == [0, 0.5, 1, 1.5, 2, 2.5]
    filled(ring, 3, 4, BIG)
    assert [one.t for one in reader.next(0.01)] == [3, 3.5], "what has come when the time is over comes all the same"
    assert reader.next(0.01) == []
    assert reader.newest == 3.5


def test_while_the_small_stream_is_silent_the_main_one_is_read_and_no_instant_twice() -> None:
    clock = [100.0]
    main, small = PacketRing(20, wall), PacketRing(20, wall)
    reader = LiveReader(main, small, now=lambda: clock[0])
    filled(main, 0, 4, BIG)
    filled(small, 0, 4, SMALL)
    assert {one.info for one in reader.next(0.0)} == {SMALL}
    filled(main, 4, 12, BIG)
    clock[0] += SILENT_S + 1
    assert reader.next(0.0) == []
    taken = reader.next(0.0)
    assert {one.info for one in taken} == {BIG}
    assert taken[0].keyframe
    assert taken[0].t == 4.0
    filled(small, 4, 5, SMALL)
    filled(main, 12, 13, BIG)
    assert {one.info for one in reader.next(0.0)} == {BIG}, "what is older than what was read is not read again"
    filled(small, 14, 18, SMALL)
    reader.next(0.0)
    back = reader.next(0.0)
    assert {one.info for one in back} == {SMALL}
    assert (back[0].t, back[0].keyframe) == (14.0, True)


def test_a_small_stream_is_put_on_the_time_of_the_main_one() -> None:
    main = StreamClock()
    main.begin(50.0, 1000.0, BEGIN.timestamp())
    sub = SubStream("cam-1 sub", "rtsp://127.0.0.1/sub", main, 20.0, "tcp", lambda _: None)
    sub.link.clock.begin(7.0, 1003.0, BEGIN.timestamp() + 3.0)
    for step in range(10):
        sub._arrived(replace(packet(step / 2, SMALL), t=step / 2, dts=step / 2))
    assert [one.t for one in sub.ring.packets(-1, 100)] == [3 + step / 2 for step in range(10)]


def test_before_the_main_stream_has_told_a_time_the_small_one_waits() -> None:
    sub = SubStream("cam-1 sub", "rtsp://127.0.0.1/sub", StreamClock(), 20.0, "tcp", lambda _: None)
    sub.link.clock.begin(7.0, 1003.0, BEGIN.timestamp())
    sub._arrived(packet(0.0, SMALL))
    assert sub.ring.packets(-1, 100) == []


def test_a_video_unit_that_is_not_there_is_said_once_and_software_decodes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_told", set())
    monkeypatch.setattr(hardware, "hwdevices_available", lambda: ["cuda"])
    for _ in range(2):
        assert open_decoder(SMALL, "vaapi").name == "h264"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "detection.decode: vaapi cannot decode here" in said[0]
