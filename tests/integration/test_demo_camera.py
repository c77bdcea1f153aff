"""The virtual camera over real RTSP: TCP and UDP, one pass for all who watch, quiet before and after."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from contract.errors import CameraError
from edge.cameras.source import open_source

SCENE_S = 6.0


def film(path: Path, seconds: float, grey: int) -> None:
    """A short H.264 film of one grey, a key frame a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25, 2))
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.options = {"bf": "0", "g": "12", "preset": "ultrafast"}
        for _ in range(int(seconds * 12.5)):
            picture = np.full((180, 320, 3), grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())


class Camera:
    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"rtsp://127.0.0.1:{port}/cam-1"
        command = [sys.executable, "-m", "sightline.demo.camera", "--folder", str(folder), "--port", str(port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._said: queue.Queue[dict[str, object]] = queue.Queue()
        self._reader = threading.Thread(target=self._listen)
        self._reader.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(json.loads(line))

    def heard(self) -> dict[str, object]:
        return self._said.get(timeout=30)

    @property
    def silent(self) -> bool:
        return self._said.empty()

    def play(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("play\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._reader.join(30)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def camera(tmp_path: Path, free_port: int) -> Iterator[Camera]:
    film(tmp_path / "scene.mp4", SCENE_S, 200)
    film(tmp_path / "quiet.mp4", 2.0, 40)
    (tmp_path / "truth.json").write_text(json.dumps({"duration_s": SCENE_S}))
    started = Camera(tmp_path, free_port)
    assert started.heard()["event"] == "listening"
    yield started
    started.end()


def watch(url: str, transport: str = "tcp", packets: int = 1000) -> tuple[list[float], float]:
    """Presentation times (s) of up to `packets` packets and the grey of the first picture."""
    with av.open(url, options={"rtsp_transport": transport}, timeout=(15, 15)) as stream:
        times: list[float] = []
        grey = -1.0
        for packet in stream.demux(video=0):
            if not packet.size:
                break
            if packet.pts is None:  # the first one may come before its stamp is known
                continue
            times.append(float(packet.pts * packet.time_base))
            for picture in packet.decode() if grey < 0 else ():
                grey = float(picture.to_ndarray(format="gray").mean())
            if len(times) == packets:
                break
        return times, grey


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_quiet_street_is_shown_without_end(camera: Camera, transport: str) -> None:
    times, grey = watch(camera.url, transport, packets=40)
    assert len(times) == 40
    assert times[-1] - times[0] > 2.5  # longer than the file: it begins again
    assert grey < 100
    assert camera.silent


def test_a_pass_is_shown_once_and_ends_the_connection(camera: Camera) -> None:
    camera.play()
    times, grey = watch(camera.url)
    assert camera.heard() == {"event": "pass", "number": 1}
    assert grey > 150
    assert len(times) == pytest.approx(SCENE_S * 12.5, abs=1)
    assert camera.heard() == {"event": "end", "number": 1}
    assert watch(camera.url, packets=5)[1] < 100


def test_who_joins_in_the_middle_sees_the_middle(camera: Camera) -> None:
    camera.play()
    first: list[tuple[list[float], float]] = []
    thread = threading.Thread(target=lambda: first.append(watch(camera.url)))
    thread.start()
    assert camera.heard()["event"] == "pass"
    time.sleep(SCENE_S / 2)
    times, _ = watch(camera.url)
    thread.join(60)
    assert len(first[0][0]) == pytest.approx(SCENE_S * 12.5, abs=1)
    assert 5 < len(times) < SCENE_S * 12.5 * 0.75
    assert camera.heard() == {"event": "end", "number": 1}
    assert camera.silent


def test_play_ends_the_connections_of_those_who_watch(camera: Camera) -> None:
    ended = threading.Event()

    def look() -> None:
        watch(camera.url, packets=100_000)
        ended.set()

    thread = threading.Thread(target=look)
    thread.start()
    time.sleep(3)
    assert not ended.is_set()
    camera.play()
    thread.join(30)
    assert ended.is_set()


def test_the_edge_reads_it_with_its_own_source(camera: Camera) -> None:
    with closing(open_source(camera.url, "tcp")) as source:
        packet = next(iter(source.packets()))
        assert packet.keyframe
        assert (source.info.width, source.info.height) == (320, 180)


def test_another_address_is_not_found(camera: Camera) -> None:
    with pytest.raises(CameraError):
        open_source(camera.url.replace("cam-1", "cam-2"), "tcp")
