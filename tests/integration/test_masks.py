"""Masks in whole recorder processes over RTSP: no picture that is recorded or handed out shows a masked pixel.

The cameras show a room in greys, with a marker in glaring colours where the mask is to be; every picture of every
segment and of the tap is decoded and looked at, through start-up, kill -9, reconnection and changes of the stream.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest
import yaml

from edge.box import Folders
from edge.cameras.file import FilePackets
from edge.cameras.nal import annexb, parameters
from edge.cameras.packets import CameraPacket
from edge.record.index import Gap, Index, Segment
from edge.record.tapped import TapReader
from tests.mask_kit import SECRET, Seen, record_room, showing, showing_packets
from tests.scenes.rtsp import FileServer, GstServer
from tests.scenes.units import Planned, PlannedCamera, planned

ROOT = Path(__file__).resolve().parents[2]
SMALL, LARGE = (320, 192), (640, 384)


class Station:
    """A recorder of a polling station's camera, and somebody who reads its tap all the while."""

    def __init__(self, place: Path, url: str, masks: str = "edge") -> None:
        day = {"phase": "voting", "from": "2026-12-12T06:30:00+08:00", "until": "2026-12-12T15:00:00+08:00"}
        polling = {"station": "1", "township": "T", "village": "V", "windows": [day], "masks": masks}
        zone = {"id": "booth", "type": "privacy_mask", "polygon": [list(point) for point in SECRET]}
        camera = {"id": "cam-1", "url": url, "frame": list(SMALL), "recording": {"segment_s": 2}, "zones": [zone]}
        site = {
            "site": "s", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
            "polling": polling, "cameras": [camera],
        }  # fmt: skip
        (place / "site.yaml").write_text(yaml.safe_dump(site, allow_unicode=True))
        settings = {"edge_id": "b", "sites": ["site.yaml"], "data_dir": "data", "recording": {"min_free_bytes": 0}}
        (place / "edge.yaml").write_text(yaml.safe_dump(settings))
        self.folder = place
        self.root = place / "data" / "recordings"
        self.process: subprocess.Popen[bytes] | None = None
        self.tapped: list[CameraPacket] = []
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def run(self) -> None:
        command = [sys.executable, "-m", "edge.record.process", "--config", str(self.folder / "edge.yaml")]
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen([*command, "--cameras", "cam-1"], cwd=ROOT, stdout=out, stderr=out)

    def end(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(20)

    def close(self) -> None:
        self._over.set()
        if self.process is not None:
            self.end(signal.SIGKILL)
        self._reader.join(5)

    def until(self, true: Callable[[], object], seconds: float = 40.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                pytest.fail(f"not within {seconds:.0f} s\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.05)

    def more(self, pictures: int) -> None:
        """Wait until so many more were handed out."""
        wanted = len(self.tapped) + pictures
        self.until(lambda: len(self.tapped) >= wanted)

    def segments(self) -> list[Segment]:
        with closing(Index(self.root)) as index:
            return list(index.segments("cam-1"))

    def gaps(self) -> list[Gap]:
        with closing(Index(self.root)) as index:
            return index.gaps("cam-1")

    def recorded(self) -> Seen:
        """Every file there is, whether or not the index knows it."""
        assert not list(self.root.rglob("*.part"))
        return showing(sorted(self.root.rglob("*.mp4")))

    def handed_out(self) -> Seen:
        runs: list[list[CameraPacket]] = []
        for packet in self.tapped:
            if not runs or packet.info is not runs[-1][-1].info or packet.t <= runs[-1][-1].t:
                runs.append([])
            runs[-1].append(packet)
        each = [showing_packets(run) for run in runs]
        return Seen(sum(one.pictures for one in each), sum(one.showing for one in each))

    def _read(self) -> None:
        while not self._over.is_set():
            try:
                reader = TapReader(Folders(self.folder / "data").taps, "cam-1", "all", 1.0)
            except OSError:
                time.sleep(0.02)
                continue
            try:
                for one in reader.pictures():
                    self.tapped.append(one.packet)
                    if self._over.is_set():
                        break
            except OSError:
                continue
            finally:
                reader.close()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Callable[..., Station]]:
    made: list[Station] = []

    def make(url: str, masks: str = "edge") -> Station:
        made.append(Station(tmp_path, url, masks))
        made[-1].run()
        return made[-1]

    yield make
    for one in made:
        one.close()


def units(path: Path) -> tuple[list[CameraPacket], list[bytes]]:
    """Packets of a film, and their bytes as a camera sends them."""
    packets, data = FilePackets(path, lambda t: datetime(2026, 1, 5, tzinfo=UTC)).packets(0.0, 1e6), []
    for packet in packets:
        raw = annexb(packet.data, packet.info.extradata, packet.info.codec)
        sets = parameters(packet.info.codec, packet.info.extradata)
        data.append(sets + raw if packet.keyframe and sets not in raw else raw)
    return packets, data


def one_after_another(*films: Path) -> list[Planned]:
    """A camera's plan: the films in turn."""
    plan, begin = [], 0.0
    for film in films:
        each = planned(*units(film))
        plan += [Planned(one.data, one.stamp + begin, one.sent + begin) for one in each]
        begin += len(each) / 25
    return plan


def test_nothing_shows_through_b_frames_a_change_of_size_kill_9_and_reconnection(
    tmp_path: Path, station: Callable[..., Station]
) -> None:
    small = record_room(tmp_path / "small.mp4", 3.0, SMALL, bframes=3)
    large = record_room(tmp_path / "large.mp4", 5.0, LARGE)
    assert showing([small, large]).showing == 200  # the marker is there to be seen
    camera = PlannedCamera(tmp_path / "camera", one_after_another(small, large))
    try:
        box = station(camera.url)
        box.until(lambda: any(packet.info.width == LARGE[0] for packet in box.tapped))
        box.more(15)
        box.end(signal.SIGKILL)
        box.run()
        box.more(40)
        camera.stop()
        camera.start()
        box.more(50)
        box.end()
    finally:
        camera.stop()
    rows, seen, handed = box.segments(), box.recorded(), box.handed_out()
    assert seen.showing == 0 and seen.sizes == {SMALL, LARGE}
    assert seen.pictures == sum(row.pictures for row in rows) > 150
    assert all(row.masked for row in rows) and any(row.torn for row in rows) and {row.codec for row in rows} == {"h264"}
    assert handed.showing == 0 and handed.pictures > 150
    assert all(packet.info.masked for packet in box.tapped)
    assert {gap.cause for gap in box.gaps()} <= {"process", "camera", "network"}


def test_nothing_shows_of_h265_nor_when_the_camera_comes_back_with_another_codec(
    tmp_path: Path, station: Callable[..., Station]
) -> None:
    server = GstServer(record_room(tmp_path / "hevc.mp4", 6.0, SMALL, "libx265", bframes=3), "h265")
    try:
        box = station(server.url)
        box.more(60)
        server.stop()
        server = GstServer(record_room(tmp_path / "avc.mp4", 6.0, LARGE, bframes=2), port=server.port)
        box.until(lambda: box.tapped[-1].info.width == LARGE[0])
        box.more(40)
        box.end()
    finally:
        server.stop()
    seen = box.recorded()
    assert (seen.showing, box.handed_out().showing) == (0, 0)
    assert seen.pictures > 90 and seen.sizes == {SMALL, LARGE}


def test_a_stream_of_another_shape_is_a_gap_that_says_what_to_set(
    tmp_path: Path, station: Callable[..., Station]
) -> None:
    first = record_room(tmp_path / "first.mp4", 2.0, SMALL)
    other = record_room(tmp_path / "other.mp4", 3.0, (320, 240))
    last = record_room(tmp_path / "last.mp4", 6.0, SMALL)
    camera = PlannedCamera(tmp_path / "camera", one_after_another(first, other, last))
    try:
        box = station(camera.url)
        box.until(lambda: box.tapped and box.tapped[-1].t > 7.5)
        box.end()
    finally:
        camera.stop()
    seen = box.recorded()
    assert (seen.showing, seen.sizes, box.handed_out().showing) == (0, {SMALL}, 0)
    (gap,) = [one for one in box.gaps() if one.cause == "camera"]
    assert "320x240, another shape than `frame` 320x192" in gap.detail and "draw the masks anew" in gap.detail
    assert (gap.end_us - gap.start_us) / 1e6 == pytest.approx(3.0, abs=0.3)


def test_a_camera_that_hides_by_itself_is_recorded_as_it_is_and_never_with_sound(
    tmp_path: Path, station: Callable[..., Station]
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    _with_sound(record_room(tmp_path / "room.mp4", 4.0, SMALL), folder / "in.mp4")
    server = FileServer(folder)
    try:
        box = station(server.url("in.mp4"), "camera")
        box.more(80)
        box.end()
    finally:
        server.stop()
    files = sorted(box.root.rglob("*.mp4"))
    for path in files:
        with av.open(str(path)) as container:
            assert [stream.type for stream in container.streams] == ["video"]
    seen = showing(files)
    assert seen.pictures >= 80 and seen.showing == seen.pictures  # nothing of it was touched
    assert not any(packet.info.masked for packet in box.tapped)


def _with_sound(film: Path, target: Path) -> None:
    """The film with somebody speaking: a second track, 440 Hz."""
    with av.open(str(film)) as source, av.open(str(target), "w") as out:
        video = source.streams.video[0]
        picture, sound = out.add_stream_from_template(video), out.add_stream("aac", rate=16_000)
        sound.layout = "mono"
        packets = [packet for packet in source.demux(video) if packet.dts is not None]
        seconds = np.arange(4 * 16_000) / 16_000
        wave = (np.sin(2 * np.pi * 440 * seconds) * 8000).astype(np.int16)
        for number, packet in enumerate(packets):
            packet.stream = picture
            out.mux(packet)
            part = wave[number * 640 : (number + 1) * 640]
            frame = av.AudioFrame.from_ndarray(part[None, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16_000, number * 640
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    with av.open(str(target)) as made:
        assert [stream.type for stream in made.streams] == ["video", "audio"]
