"""What a recorder hands out: whole pictures from a keyframe on, and recording that waits for nobody."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cameras.packets import CameraPacket, StreamInfo
from edge.record.tap import BEHIND, KEPT, Tap
from edge.record.tapped import Tapped, TapReader

INFO = StreamInfo("h264", 640, 360, b"\x01\x02", 25.0, 0, 0)


def packet(index: int, *, gop: int = 25, size: int = 1000, info: StreamInfo = INFO) -> CameraPacket:
    t = index / 25
    return CameraPacket(t, t, 0.04, bytes([index % 256]) * size, index % gop == 0, index % 2 == 1, info)


@pytest.fixture
def tap(tmp_path: Path) -> Iterator[Tap]:
    deep = tmp_path / ("d" * 80) / ("e" * 60)  # longer than a socket's path may be
    one = Tap(deep, ["cam-1", "cam-2"])
    one.folder = deep  # type: ignore[attr-defined]
    one.start()
    yield one
    one.stop()


def reader(tap: Tap, want: str = "all") -> TapReader:
    return TapReader(tap.folder, "cam-1", want, timeout_s=5.0)  # type: ignore[attr-defined, arg-type]


def taken(one: TapReader, count: int) -> list[Tapped]:
    found = []
    for picture in one.pictures():
        found.append(picture)
        if len(found) == count:
            break
    return found


def test_who_comes_late_begins_at_the_last_keyframe_and_gets_every_bit(tap: Tap) -> None:
    for index in range(30):
        tap.give("cam-1", packet(index), 1_000_000 + index)
    one = reader(tap)
    seen = taken(one, 5)
    assert [picture.packet for picture in seen] == [packet(index) for index in range(25, 30)]
    assert [picture.wall_us for picture in seen] == [1_000_025 + index for index in range(5)]
    tap.give("cam-1", packet(30), 5)
    tap.give("cam-2", packet(99), 5)
    assert taken(one, 1)[0].packet == packet(30)
    one.close()


def test_keyframes_alone(tap: Tap) -> None:
    tap.give("cam-1", packet(0), 0)
    one = reader(tap, "keyframes")
    assert taken(one, 1)[0].packet.t == 0.0
    for index in range(1, 60):
        tap.give("cam-1", packet(index), index)
    assert [picture.packet.t for picture in taken(one, 2)] == [1.0, 2.0]
    one.close()


def test_a_reader_that_sleeps_costs_itself_alone(tap: Tap) -> None:
    sleeper, other = reader(tap), reader(tap)
    seen: list[Tapped] = []
    count = 2 * (BEHIND // 100_000) + 50
    follow = threading.Thread(target=lambda: seen.extend(taken(other, count)), daemon=True)
    tap.give("cam-1", packet(0, size=100_000), 0)
    assert taken(sleeper, 1)  # both are known to the tap by now
    follow.start()
    began = time.monotonic()
    for index in range(1, count):
        tap.give("cam-1", packet(index, size=100_000), index)
        time.sleep(0.002)
    follow.join(10)
    assert time.monotonic() - began < 10
    assert [picture.packet.t for picture in seen] == [index / 25 for index in range(count)]
    last = 0.0
    jumps = []
    for picture in sleeper.pictures():  # it wakes: what it missed is whole groups, and it goes on at a keyframe
        if picture.packet.t - last > 0.05:
            jumps.append(picture.packet)
        last = picture.packet.t
        if jumps:
            break
        tap.give("cam-1", packet(count + 25 - count % 25, size=1000), 0)
    assert jumps and all(one.keyframe for one in jumps)
    sleeper.close()
    other.close()


def test_a_group_that_is_too_large_is_kept_as_its_keyframe(tap: Tap) -> None:
    for index in range(20):
        tap.give("cam-1", packet(index, size=KEPT // 10), index)
    one = reader(tap)
    assert taken(one, 1)[0].packet == packet(0, size=KEPT // 10)
    one.close()


def test_a_new_epoch_tells_its_stream_anew(tap: Tap) -> None:
    other = StreamInfo("h264", 1280, 720, None, None, 1, 1)
    tap.give("cam-1", packet(0), 0)
    one = reader(tap)
    assert taken(one, 1)[0].packet.info == INFO
    tap.give("cam-1", packet(25, info=other), 0)
    assert taken(one, 1)[0].packet.info == other
    one.close()


def test_strangers_words_and_a_recorder_that_ends(tap: Tap) -> None:
    stranger = reader(tap, "everything please")
    with pytest.raises(OSError, match="ended"):
        taken(stranger, 1)
    one = reader(tap)
    tap.stop()
    with pytest.raises(OSError, match=r"ended|reset"):
        taken(one, 1)
