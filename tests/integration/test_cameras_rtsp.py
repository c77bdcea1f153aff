"""Cameras over RTSP: real servers, real packets, and the ways in which a camera fails."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.errors import CameraError
from edge.cameras.file import FilePackets
from edge.cameras.link import CameraLink, Change
from edge.cameras.live import LiveReader
from edge.cameras.nal import annexb
from edge.cameras.packets import CameraPacket
from edge.cameras.probe import probe
from edge.cameras.ring import PacketRing
from edge.cameras.source import open_source
from edge.cameras.trouble import login_refused
from edge.evidence.clip import write_clip
from tests.scenes.recordings import bar, record
from tests.scenes.rtsp import Deaf, FileServer, GstServer, Relay, Speaks, need_gst, open_port

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """h264.mp4 without B-frames, bframes.mp4 with, hevc.mp4: 1280x720, 25/s, 6 s, a keyframe a second."""
    folder = tmp_path_factory.mktemp("recordings")
    record(folder / "h264.mp4", 6.0, gop=25)
    record(folder / "bframes.mp4", 6.0, gop=25, bframes=2)
    record(folder / "hevc.mp4", 4.0, "libx265", gop=25)
    return folder


@pytest.fixture(scope="module")
def files(recordings: Path) -> Iterator[FileServer]:
    server = FileServer(recordings)
    yield server
    server.stop()


class Camera:
    """A link with a ring, running in a thread."""

    def __init__(self, url: str, transport: str = "tcp", seconds: float = 20.0) -> None:
        self.changes: list[Change] = []
        self.all: list[CameraPacket] = []
        self.link = CameraLink("cam-1", url, self._take, "udp" if transport == "udp" else "tcp", self.changes.append)
        self.ring = PacketRing(seconds, self.link.clock.wall)
        self.thread = threading.Thread(target=self.link.run, daemon=True)

    def _take(self, packet: CameraPacket) -> None:
        self.all.append(packet)
        self.ring.append(packet)

    def states(self) -> list[str]:
        return [change.state for change in self.changes]

    def until(self, true: Callable[[], object], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                pytest.fail(f"not within {seconds:.0f} s; states were {self.states()}")
            time.sleep(0.02)


@contextmanager
def watched(url: str, transport: str = "tcp", seconds: float = 20.0) -> Iterator[Camera]:
    camera = Camera(url, transport, seconds)
    camera.thread.start()
    try:
        yield camera
    finally:
        camera.link.stop()
        camera.thread.join(20)
        assert not camera.thread.is_alive()


def test_a_stream_comes_in_whole_and_in_its_own_time(files: FileServer, recordings: Path) -> None:
    with watched(files.url("h264.mp4")) as camera:
        camera.until(lambda: len(camera.all) >= 100)
    original = FilePackets(recordings / "h264.mp4", lambda t: START).packets(0.0, 60.0)
    for sent, got in zip(original, camera.all, strict=False):
        assert annexb(sent.data, sent.info.extradata, "h264") in got.data or got.data.endswith(
            annexb(sent.data, sent.info.extradata, "h264")[4:]
        )
    steps = [b.t - a.t for a, b in zip(camera.all, camera.all[1:], strict=False)]
    assert all(step == pytest.approx(0.04, abs=0.0002) for step in steps[:140])
    assert camera.states()[0] == "live"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_picture_at_t_is_exact_with_b_frames(recordings: Path, transport: str) -> None:
    server = GstServer(recordings / "bframes.mp4")
    try:
        with watched(server.url, transport) as camera:
            camera.until(lambda: len(camera.all) >= 110)
        times = sorted(packet.t for packet in camera.all)
        assert any(a.t > b.t for a, b in zip(camera.all, camera.all[1:], strict=False)), "the stream has B-frames"
        shown = [(index, camera.ring.picture_at(times[index])) for index in (0, 13, 25, 26, 60, 99)]
        for index, (t, picture) in shown:
            assert t == times[index]
            assert bar(picture) == index
    finally:
        server.stop()


def test_h265_is_captured_decoded_and_cut(recordings: Path, tmp_path: Path) -> None:
    server = GstServer(recordings / "hevc.mp4", "h265")
    try:
        with watched(server.url) as camera:
            camera.until(lambda: len(camera.all) >= 75)
            first, last = camera.ring.span()
            t, picture = camera.ring.picture_at(first + 2.0)
        assert bar(picture) == 50 and t == pytest.approx(first + 2.0, abs=0.01)
        clip = write_clip(camera.ring.packets(first, last), tmp_path / "clip.mp4")
        assert clip.codec == "hevc"
        assert len(list(FilePackets(clip.path, lambda t: START).pictures())) >= 60
    finally:
        server.stop()


def test_sender_reports_tell_the_wall_clock(recordings: Path) -> None:
    server = GstServer(recordings / "h264.mp4")
    try:
        with watched(server.url) as camera:
            camera.until(lambda: len(camera.all) >= 120)
            t = camera.all[-1].t
            behind = (datetime.now(UTC) - camera.link.clock.wall(t)).total_seconds()
            status = camera.link.status()
        assert 0.0 <= behind < 2.0
        assert status.state == "live" and status.clock.source == "same_host" and status.clock.offset_ms == 0.0
        told = [camera.link.clock.wall(packet.t).timestamp() - packet.t for packet in camera.all]
        assert max(told) - min(told) < 0.3, "wall clock and stream time run alike over the opening"
    finally:
        server.stop()


def test_a_server_that_dies_and_comes_back_is_a_new_epoch(recordings: Path) -> None:
    server = FileServer(recordings)
    try:
        with watched(server.url("h264.mp4")) as camera:
            camera.until(lambda: len(camera.all) >= 30)
            server.stop()
            died = time.monotonic()
            camera.until(lambda: "lost" in camera.states(), 5.0)
            assert camera.link.status().state == "lost" and camera.link.status().cause
            before, gone = camera.all[-1], len(camera.all)
            time.sleep(1.0)
            server.start()
            camera.until(lambda: len(camera.all) > gone + 10)
            away = time.monotonic() - died
        after = camera.all[gone]
        assert (before.info.epoch, after.info.epoch) == (0, 1)
        assert after.keyframe and 1.0 <= after.t - before.t <= away + 0.5
        assert [camera.states()[0], camera.states()[-1]] == ["live", "live"]
    finally:
        server.stop()


def test_a_camera_that_stalls_is_noticed_and_found_again(files: FileServer) -> None:
    relay = Relay(files.port)
    try:
        with watched(files.url("h264.mp4", relay.port)) as camera:
            camera.until(lambda: len(camera.all) >= 30)
            relay.freeze()
            stalled = time.monotonic()
            camera.until(lambda: "lost" in camera.states(), 10.0)
            assert time.monotonic() - stalled < 5.0, "loss is noticed within 5 s"
            assert "sent nothing for 4 s" in camera.changes[-1].cause
            relay.thaw()
            camera.until(lambda: camera.states()[-1] == "live")
            assert camera.link.losses >= 1
        times = [packet.t for packet in camera.all]
        assert times == sorted(times)
    finally:
        relay.close()


def test_a_reader_that_waits_for_keyframes_is_given_every_packet_once_and_never_stalls_capture(
    files: FileServer,
) -> None:
    with watched(files.url("h264.mp4")) as camera:
        reader, got, turns = LiveReader(camera.ring), [], 0
        while len(got) < 110:
            packets = reader.next(5.0)
            assert packets
            assert any(packet.keyframe for packet in packets)
            got += packets
            turns += 1
            time.sleep(0.2)
        assert turns <= 8, "woken by keyframes, not by packets"
        assert [packet.t for packet in got] == [packet.t for packet in camera.all[: len(got)]]
        eager = LiveReader(camera.ring)
        eager.next(5.0)
        came = time.monotonic()
        assert len(eager.next(5.0, eager=True)) < 25
        assert time.monotonic() - came < 1.0


def test_a_ring_is_bounded_and_begins_with_a_keyframe(files: FileServer) -> None:
    with watched(files.url("h264.mp4"), seconds=2.0) as camera:
        camera.until(lambda: len(camera.all) >= 130)
        first, last = camera.ring.span()
        held = camera.ring.packets(-1.0, 1e9)
    assert 2.0 <= last - first <= 3.1
    assert held[0].keyframe
    with pytest.raises(LookupError, match="no longer in memory"):
        camera.ring.picture_at(first - 1.0)


# -- what is told when a camera cannot be had ---------------------------------------------------------------------


def refusal(url: str) -> str:
    with pytest.raises(CameraError) as caught:
        open_source(url)
    line = str(caught.value)
    assert "\n" not in line and "hush" not in line
    assert caught.value.exit_status == 1
    return line


def test_a_closed_port_is_told() -> None:
    line = refusal(f"rtsp://me:hush@127.0.0.1:{open_port()}/x")
    assert "rtsp://me:***@127.0.0.1" in line and "refuses the connection" in line


def test_silence_is_told_within_the_time_out() -> None:
    deaf = Deaf()
    began = time.monotonic()
    try:
        assert "answers nothing within 5 s" in refusal(f"rtsp://me:hush@127.0.0.1:{deaf.port}/x")
    finally:
        deaf.close()
    assert time.monotonic() - began < 9.0


def test_an_unknown_path_is_told(files: FileServer) -> None:
    assert "(404)" in refusal(f"rtsp://me:hush@127.0.0.1:{files.port}/nothing.mp4")


def test_a_wrong_password_is_told_and_the_right_one_works(recordings: Path) -> None:
    need_gst()
    server = GstServer(recordings / "h264.mp4", password="hush")
    try:
        wrong = server.url.replace("://", "://user:hush-not@")
        with pytest.raises(CameraError, match="refuses the user name or password") as caught:
            open_source(wrong)
        assert "hush" not in str(caught.value)
        assert login_refused(caught.value.__cause__), "the link must not try on and on"
        open_source(server.url.replace("://", "://user:hush@")).close()
    finally:
        server.stop()


def sdp(media: str) -> str:
    head = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
    return f"{head}{media}\r\na=control:track1\r\n"


@pytest.mark.parametrize(
    ("media", "told"),
    [
        ("m=audio 0 RTP/AVP 0", "has no video"),
        ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H266/90000", "cannot decode - set the camera to H.264"),
        ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000", "offers h264 but sends no picture"),
    ],
)
def test_what_cannot_be_watched_is_told(media: str, told: str) -> None:
    peer = Speaks(sdp(media))
    try:
        assert told in refusal(f"rtsp://me:hush@127.0.0.1:{peer.port}/x")
    finally:
        peer.close()


def test_a_link_goes_on_trying_and_says_why(files: FileServer) -> None:
    with watched(files.url("nothing.mp4")) as camera:
        camera.until(lambda: camera.link.losses >= 2)
        assert camera.states() == ["lost"]
        assert "(404)" in camera.link.status().cause


def test_probe_measures_a_stream(files: FileServer) -> None:
    seen = probe(files.url("h264.mp4"), seconds=3.0)
    assert (seen.codec, seen.width, seen.height) == ("h264", 1280, 720)
    assert seen.fps == pytest.approx(25, abs=0.5)
    assert seen.gop_s == pytest.approx(1.0, abs=0.05)
    assert seen.pictures >= 70 and seen.damaged == 0
    assert seen.advice == []
