"""The virtual cameras of a benchmark, read as the box reads cameras: rate, keyframes, seams, one programme for all."""

import itertools
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cameras.decode import Decoder, bgr
from edge.cameras.link import CameraLink
from edge.cameras.packets import CameraPacket
from sightline.bench.cameras import cameras_part
from sightline.bench.county import Mount
from sightline.bench.mix.clips import Picture
from sightline.bench.mix.encode import encode
from sightline.bench.mix.sensor import Sensor
from sightline.bench.mix.stream import FPS, GOP_S, Planted, Stream, read_stream, write_stream
from sightline.bench.mix.view import Window
from sightline.demo.checks import port as free
from sightline.demo.parts import Part, wait_until

SIZE = Window.SIZE
TAKES = {"first": 4, "second": 2}
LOOP_S = 10


def numbered(take: int, sensor: Sensor, index: int) -> Picture:
    """A picture that says which take it is of: a bright field, left or right."""
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    cv2.rectangle(picture, (200 + 900 * take, 300), (700 + 900 * take, 800), (230, 230, 230), -1)
    return sensor.expose(picture, index)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream of 10 s: `first` twice, then `second`."""
    folder = tmp_path_factory.mktemp("streams") / "tiny"
    folder.mkdir()
    sensor = Sensor(SIZE, 2.2, 1)
    segments = {
        name: encode(folder / f"{name}.h264", map(partial(numbered, number, sensor), range(seconds * FPS)), SIZE)
        for number, (name, seconds) in enumerate(TAKES.items())
    }
    planted = [Planted("illegal_parking", "kerb", 1.0, 8.0)]
    whole = Stream(
        "tiny", "parking", "here", "0", {"frame": list(SIZE)}, segments, ["first", "first", "second"], planted
    )
    write_stream(folder, whole)
    return folder


@pytest.fixture
def cameras(stream: Path, tmp_path: Path) -> Iterator[tuple[Part, int, float]]:
    """Two cameras of the same stream, the second three seconds ahead."""
    number, epoch = free(None, 8574), float(int(time.time()))
    told = read_stream(stream)
    mounts = [Mount("kerb-01", told, stream, 0), Mount("kerb-02", told, stream, 3 * FPS)]
    part = cameras_part(tmp_path, tmp_path / "cameras.log", number, epoch, mounts)
    part.start()
    try:
        wait_until(lambda: "listening" in (tmp_path / "cameras.log").read_text(), "the cameras", [part], 30)
        yield part, number, epoch
    finally:
        part.stop()


def watch(url: str, seconds: float, arrived: dict[float, float] | None = None) -> list[CameraPacket]:
    """Packets of a camera for some seconds from its first on; `arrived`: when each came, by its stream second."""
    found: list[CameraPacket] = []

    def take(packet: CameraPacket) -> None:
        found.append(packet)
        if arrived is not None:
            arrived[packet.t] = time.time()

    link = CameraLink("kerb", url, take)
    thread = threading.Thread(target=link.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while time.monotonic() < until and (not found or found[-1].t - found[0].t < seconds):
        time.sleep(0.05)
    link.stop()
    thread.join(10)
    return found


def takes_of(packets: list[CameraPacket]) -> list[tuple[float, int]]:
    """(stream second, which take) of every picture."""
    seen = []
    for t, frame in Decoder().through(packets):
        picture = bgr(frame)
        seen.append((t, int(picture[500, 1300].mean() > picture[500, 400].mean())))
    return seen


def test_the_encoded_stream_is_what_a_camera_sends(stream: Path) -> None:
    told = read_stream(stream)
    assert told.seconds == LOOP_S
    assert told.bit_rate == pytest.approx(4e6, rel=0.1)
    for name, segment in told.segments.items():
        assert len(segment.sizes) == TAKES[name] * FPS
        assert segment.gop == GOP_S * FPS
        assert (stream / segment.file).stat().st_size == sum(segment.sizes)


@pytest.mark.long
def test_a_viewer_gets_25_whole_frames_a_second_over_the_loops_seam(cameras: tuple[Part, int, float]) -> None:
    _, number, _epoch = cameras
    packets = watch(f"rtsp://127.0.0.1:{number}/kerb-01", 12.0)
    assert packets[0].keyframe
    keys = [packet.t for packet in packets if packet.keyframe]
    assert np.diff(keys) == pytest.approx(GOP_S, abs=0.002)
    assert np.diff([packet.t for packet in packets]) == pytest.approx(1 / FPS, abs=0.002)
    seen = takes_of(packets)
    assert len(seen) >= 12 * FPS - 1
    changes = [t for (t, a), (_, b) in itertools.pairwise(seen) if a != b]
    assert len(changes) >= 2
    assert changes[1] - changes[0] in (pytest.approx(2, abs=0.01), pytest.approx(8, abs=0.01))


@pytest.mark.long
def test_the_programme_keeps_to_the_wall_clock(cameras: tuple[Part, int, float]) -> None:
    """Truth is told in wall clock: what the second camera shows is three seconds ahead of the first."""
    _, number, epoch = cameras
    heard: dict[str, list[CameraPacket]] = {}
    came: dict[str, dict[float, float]] = {"kerb-01": {}, "kerb-02": {}}

    def listen(name: str) -> None:
        heard[name] = watch(f"rtsp://127.0.0.1:{number}/{name}", 12.0, came[name])

    begun: dict[str, float] = {}
    threads = [threading.Thread(target=listen, args=(name,)) for name in ("kerb-01", "kerb-02")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name, ahead in (("kerb-01", 0), ("kerb-02", 3)):
        packets = heard[name]
        seen = takes_of(packets)
        change = next(t for (t, a), (_, b) in itertools.pairwise(seen) if (a, b) == (0, 1)) + 1 / FPS
        arrived = next(when for t, when in came[name].items() if abs(t - change) < 0.01)
        begun[name] = (arrived - epoch + ahead) % LOOP_S
    # `second` begins at second 8 of the loop; what comes later than that is the way through two processes.
    for phase in begun.values():
        assert 7.9 < phase < 9.5


def test_cameras_that_are_gone_and_a_port_that_is_taken_are_told(stream: Path, tmp_path: Path) -> None:
    number = free(None, 8584)
    mounts = [Mount("kerb-01", read_stream(stream), stream, 0)]
    one = cameras_part(tmp_path, tmp_path / "one.log", number, time.time(), mounts)
    two = cameras_part(tmp_path, tmp_path / "two.log", number, time.time(), mounts)
    try:
        one.start()
        wait_until(lambda: "listening" in (tmp_path / "one.log").read_text(), "the cameras", [one], 30)
        two.start()
        assert two.process is not None
        assert two.process.wait(30) == 1
        assert "free the port" in (tmp_path / "two.log").read_text()
    finally:
        two.stop()
        one.stop()
