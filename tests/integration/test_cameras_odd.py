"""Cameras as they are in the field: stamps that drift and jump, pictures that change, parameter sets in one place only,
packets that get lost, 4K, 12.5 pictures/s. Each is a real RTSP server.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_cameras_rtsp import watched

from edge.cameras.decode import Decoder
from edge.cameras.file import FilePackets
from edge.cameras.nal import START, annexb, parameters
from edge.cameras.packets import CameraPacket
from edge.cameras.source import open_source
from tests.scenes.recordings import record
from tests.scenes.rtsp import FileServer, GstServer, Relay
from tests.scenes.units import Planned, PlannedCamera, Rewritten, planned, restamped


def recorded(path: Path) -> tuple[list[CameraPacket], list[bytes]]:
    """Packets of a file and their Annex B bytes, each keyframe with its parameter sets before it."""
    packets = FilePackets(path, lambda t: datetime(2026, 1, 5, tzinfo=UTC)).packets(0.0, 1e6)
    data = []
    for packet in packets:
        raw = annexb(packet.data, packet.info.extradata, packet.info.codec)
        sets = parameters(packet.info.codec, packet.info.extradata)
        data.append(sets + raw if packet.keyframe and sets not in raw else raw)
    return packets, data


def decoded(packets: Sequence[CameraPacket]) -> tuple[int, int]:
    """Pictures that come out, and packets that the codec refused."""
    decoder = Decoder()
    count = sum(1 for _ in decoder.through(packets))
    return count, decoder.damaged


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[CameraPacket], list[bytes]]:
    """80 s at 5 pictures/s, a keyframe a second."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return recorded(record(path, 80.0, fps=5, gop=5, size=(640, 360)))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[CameraPacket], list[bytes]]:
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    return recorded(record(path, 8.0, gop=25, size=(640, 360)))


@dataclass(frozen=True)
class Drifted:
    """What a camera whose stamps drift made of 50 s and more: see `drifting`."""

    told: str
    passed: float
    shown: float
    step: float
    times: list[float]


def drifting(folder: Path, long: tuple, pace: float) -> Drifted:
    """Watch a camera whose stamps run at `pace` until that is noticed, and ten seconds on."""
    server = PlannedCamera(folder, planned(*long))
    relay = Relay(server.port, restamped(lambda seconds: seconds * pace))
    try:
        with watched(f"rtsp://127.0.0.1:{relay.port}/cam", seconds=200.0) as camera:
            camera.until(lambda: len(camera.all) >= 60)
            began, t0 = time.monotonic(), camera.all[-1].t
            camera.until(lambda: camera.link.jumps >= 1, 70)
            told = camera.changes[-1].cause
            jumped = len(camera.all)
            camera.until(lambda: len(camera.all) >= jumped + 50, 30)
            passed, shown = time.monotonic() - began, camera.all[-1].t - t0
            tail = camera.all[jumped + 5 :]
        step = (tail[-1].t - tail[0].t) / (len(tail) - 1)
        return Drifted(told, passed, shown, step, [packet.t for packet in camera.all])
    finally:
        relay.close()
        server.stop()


#: Of the stamps, against true time.
PACES = [1.03, pytest.param(0.97, marks=pytest.mark.long)]


@pytest.fixture(scope="module", autouse=True)
def drifts(
    request: pytest.FixtureRequest, long: tuple, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[float, Future[Drifted]]]:
    """Cameras that drift, watched while the other tests run: noticing takes 40 s and next to no processor."""
    wanted = {
        item.callspec.params["pace"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == "test_stamps_that_drift_falsify_no_wait"
    }
    with ThreadPoolExecutor(2) as pool:
        yield {pace: pool.submit(drifting, tmp_path_factory.mktemp("drift"), long, pace) for pace in wanted}


def test_stamps_that_jump_begin_an_epoch_and_keep_time(tmp_path: Path, short: tuple) -> None:
    server = PlannedCamera(tmp_path, planned(*short))
    relay = Relay(server.port, restamped(lambda seconds: seconds + (1000.0 if seconds >= 3.0 else 0.0)))
    try:
        with watched(f"rtsp://127.0.0.1:{relay.port}/cam") as camera:
            camera.until(lambda: len(camera.all) >= 150)
        assert camera.link.jumps == 1 and "leapt by" in camera.changes[-1].cause
        times = [packet.t for packet in camera.all]
        assert times == sorted(times) and times[149] - times[0] == pytest.approx(149 * 0.04, abs=0.3)
        assert {packet.info.epoch for packet in camera.all} == {0, 1}
    finally:
        relay.close()
        server.stop()


def test_a_picture_that_changes_its_size_in_mid_stream_is_decoded_on(tmp_path: Path, short: tuple) -> None:
    packets, data = recorded(record(tmp_path / "large.mp4", 4.0, gop=25, size=(1280, 720)))
    plan = planned(*short)[:75]
    plan += [Planned(one.data, one.stamp + 3.0, one.sent + 3.0) for one in planned(packets, data)]
    server = PlannedCamera(tmp_path / "camera", plan)
    try:
        with watched(server.url) as camera:
            camera.until(lambda: len(camera.all) >= 160)
        sizes = [(packet.info.width, packet.info.height) for packet in camera.all]
        assert sizes[0] == (640, 360) and sizes[-1] == (1280, 720)
        first = sizes.index((1280, 720))
        assert camera.all[first].keyframe and first == 75
        assert camera.link.jumps == 1 and "the picture changed to h264 1280x720" in camera.changes[-1].cause
        assert decoded(camera.all) == (len(camera.all), 0)
        _, picture = camera.ring.picture_at(camera.all[-10].t)
        assert picture.shape == (720, 1280, 3)
    finally:
        server.stop()


def test_a_camera_that_changes_its_codec_is_followed(tmp_path: Path) -> None:
    record(tmp_path / "avc.mp4", 8.0, gop=25)
    record(tmp_path / "hevc.mp4", 8.0, "libx265", gop=25)
    server = GstServer(tmp_path / "avc.mp4")
    try:
        with watched(server.url) as camera:
            camera.until(lambda: len(camera.all) >= 30)
            server.stop()
            other = GstServer(tmp_path / "hevc.mp4", "h265", port=server.port)
            try:
                before = len(camera.all)
                camera.until(lambda: len(camera.all) >= before + 50)
            finally:
                other.stop()
        assert {packet.info.codec for packet in camera.all} == {"h264", "hevc"}
        pictures, damaged = decoded(camera.all)
        assert pictures >= len(camera.all) - 4 and damaged == 0
    finally:
        server.stop()


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("where", ["in the stream only", "in the SDP only"])
def test_parameter_sets_may_stand_in_one_place_only(tmp_path: Path, codec: str, where: str) -> None:
    packets, data = recorded(
        record(tmp_path / "in.mp4", 6.0, "libx264" if codec == "h264" else "libx265", gop=25, size=(640, 360))
    )
    server = PlannedCamera(tmp_path / "camera", planned(packets, data), codec)
    bare = Rewritten(_without_sets(codec))
    silent = where == "in the stream only"
    relay = Relay(server.port, (lambda sent: sent.replace(b"sprop-", b"xprop-")) if silent else bare)
    try:
        with watched(f"rtsp://127.0.0.1:{relay.port}/cam") as camera:
            camera.until(lambda: len(camera.all) >= 60)
        first = camera.all[0]
        assert first.keyframe and (first.info.width, first.info.height) == (640, 360)
        assert decoded(camera.all) == (len(camera.all), 0)
    finally:
        relay.close()
        server.stop()


def _without_sets(codec: str) -> Callable[[bytearray], None]:
    """Parameter sets in the stream made units that every decoder passes over (unassigned types)."""

    def change(packet: bytearray) -> None:
        if codec == "h264" and packet[12] & 0x1F in {7, 8}:
            packet[12] = packet[12] & 0xE0 | 23
        if codec == "h265" and packet[12] >> 1 & 0x3F in {32, 33, 34}:
            packet[12] = packet[12] & 0x81 | 47 << 1

    return change


def test_ten_percent_of_packets_lost_on_udp_are_counted_and_the_camera_goes_on(tmp_path: Path) -> None:
    packets, data = recorded(record(tmp_path / "in.mp4", 10.0, gop=25))
    server = PlannedCamera(tmp_path / "camera", planned(packets, data), drop=0.1)
    try:
        with watched(server.url, "udp") as camera:
            camera.until(lambda: len(camera.all) >= 150, 20)
            seen = sum(len(packet.data) for packet in camera.all) / 1400
            pictures, _ = decoded(camera.all)
        assert camera.states() == ["live"], "loss of packets is no loss of the camera"
        assert 0.05 * seen < camera.link.packets_lost < 0.25 * (seen + len(camera.all))
        assert pictures > 75
        times = [packet.t for packet in camera.all]
        assert times == sorted(times)
    finally:
        server.stop()


def test_4k_and_12_5_pictures_a_second(tmp_path: Path) -> None:
    packets, data = recorded(record(tmp_path / "in.mp4", 4.0, fps=12.5, gop=25, size=(3840, 2160)))
    server = PlannedCamera(tmp_path / "camera", planned(packets, data))
    try:
        with watched(server.url) as camera:
            camera.until(lambda: len(camera.all) >= 40)
            status = camera.link.status()
            t, picture = camera.ring.picture_at(camera.all[20].t)
        assert picture.shape == (2160, 3840, 3) and t == camera.all[20].t
        assert status.fps == 12.5
        assert all(
            b.t - a.t == pytest.approx(0.08, abs=0.001) for a, b in zip(camera.all, camera.all[1:], strict=False)
        )
    finally:
        server.stop()


def test_a_reachable_camera_is_open_in_less_than_a_second(tmp_path: Path) -> None:
    record(tmp_path / "in.mp4", 6.0, gop=50)
    server, files = GstServer(tmp_path / "in.mp4"), FileServer(tmp_path)
    try:
        for url in (server.url, files.url("in.mp4")):
            began = time.monotonic()
            source = open_source(url)
            first = next(iter(source.packets()))
            took = time.monotonic() - began
            source.close()
            assert first.keyframe and first.data.startswith(START)
            assert took < 1.0
    finally:
        server.stop()
        files.stop()


@pytest.mark.long
def test_a_camera_that_was_away_for_long_is_found_within_two_seconds(tmp_path: Path) -> None:
    record(tmp_path / "in.mp4", 20.0, gop=25, size=(640, 360))
    server = FileServer(tmp_path)
    try:
        with watched(server.url("in.mp4")) as camera:
            camera.until(lambda: len(camera.all) >= 10)
            server.stop()
            camera.until(lambda: "lost" in camera.states(), 6)
            time.sleep(20.0)
            server.start()
            back = time.monotonic()
            camera.until(lambda: camera.states()[-1] == "live", 10)
            assert time.monotonic() - back < 2.0, "a cut costs no more than the cut"
            assert camera.states().count("lost") <= 2, "and is told once, not at every knock"
    finally:
        server.stop()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("pace", PACES)
def test_stamps_that_drift_falsify_no_wait(drifts: dict[float, Future[Drifted]], pace: float) -> None:
    """The last of this file: by now most of its time has passed."""
    seen = drifts[pace].result(150)
    assert "time stamps run at" in seen.told
    print(f"{seen.shown - seen.passed:.2f} s wrong in {seen.passed:.0f}")
    assert seen.shown == pytest.approx(seen.passed, abs=1.7), "no more than a second and a half is ever wrong"
    assert seen.step == pytest.approx(0.2, rel=0.01), "and from here on nothing is"
    assert seen.times == sorted(seen.times)
