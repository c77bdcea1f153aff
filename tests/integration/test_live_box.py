"""The box's end of the live view: a whole process, a real tap of real H.264, and a WebSocket server to call."""

import io
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import av
import pytest
import yaml
from joserfc import jwt
from websockets.sync.server import Server, ServerConnection, serve

from contract.command import LiveOn
from contract.livestream import FRAGMENT, INIT, STILL, LiveMessage, path_of, unpack
from edge.asked import Asked
from edge.box import Folders
from edge.cameras.file import FilePackets
from edge.cameras.packets import CameraPacket
from edge.deliver.keys import KeyRing
from edge.live.backlog import LATE_S, WELL_S, Backlog
from edge.polling.bare import Bare
from edge.polling.kept import folder_of
from edge.record.index import Index, Segment
from edge.record.tap import Tap
from tests.mask_kit import record_room

ROOT = Path(__file__).resolve().parents[2]
SIZE = (320, 192)


class Central:
    """Takes what a box brings."""

    def __init__(self) -> None:
        self.calls: queue.Queue[tuple[str, str]] = queue.Queue()
        self.said: queue.Queue[bytes | str | None] = queue.Queue()
        self.server: Server = serve(self._take, "127.0.0.1", 0, compression=None)
        self.port = self.server.socket.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _take(self, line: ServerConnection) -> None:
        assert line.request is not None
        self.calls.put((line.request.path, line.request.headers["Authorization"]))
        for one in line:
            self.said.put(one)
        self.said.put(None)

    def messages(self, count: int) -> list[LiveMessage]:
        found = []
        while len(found) < count:
            one = self.said.get(timeout=20)
            assert isinstance(one, bytes), one
            found.append(unpack(one))
        return found

    def text(self) -> str | None:
        """The next that is no picture; None is the end of a connection."""
        while isinstance(one := self.said.get(timeout=20), bytes):
            pass
        return one


class Box:
    """The process of a polling station's live view, and a recorder's tap that goes on and on."""

    def __init__(self, place: Path, central: Central, codec: str = "libx264") -> None:
        day = {"phase": "voting", "from": "2026-12-12T06:30:00+08:00", "until": "2026-12-12T15:00:00+08:00"}
        site = {
            "site": "s", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
            "polling": {"station": "1", "township": "T", "village": "V", "windows": [day]},
            "cameras": [{"id": "cam-1", "url": "rtsp://127.0.0.1/x", "frame": list(SIZE), "recording": {"segment_s": 2}}],
        }  # fmt: skip
        (place / "site.yaml").write_text(yaml.safe_dump(site))
        settings = {"edge_id": "b", "sites": ["site.yaml"], "data_dir": "data"}
        settings["central"] = {"url": f"http://127.0.0.1:{central.port}"}
        (place / "edge.yaml").write_text(yaml.safe_dump(settings))
        self.folders = Folders(place / "data").make()
        ring = KeyRing(self.folders.data_dir / "keys")
        ring.pending()
        self.key = ring.accept()
        film = FilePackets(record_room(place / "a.mp4", 2.0, SIZE, codec), lambda _t: datetime.now(UTC))
        self.packets = list(film.walk())
        self.tap = Tap(self.folders.taps, ["cam-1"])
        self.tap.start()
        self._over = threading.Event()
        threading.Thread(target=self._play, daemon=True).start()
        command = [sys.executable, "-m", "edge.live.process", "--config", str(place / "edge.yaml")]
        self.process = subprocess.Popen(command, cwd=ROOT)
        heartbeat, until = self.folders.heartbeat("live"), time.monotonic() + 30
        while not heartbeat.exists():  # what was asked before it began is not shown
            assert time.monotonic() < until and self.process.poll() is None
            time.sleep(0.05)

    def _play(self) -> None:
        begun, count = time.monotonic(), 0
        while not self._over.is_set():
            one, shift = self.packets[count % len(self.packets)], count // len(self.packets) * 2.0
            t, dts = one.t + shift, one.dts + shift
            moved = CameraPacket(t, dts, one.duration, one.data, one.keyframe, one.disposable, self.packets[0].info)
            self.tap.give("cam-1", moved, time.time_ns() // 1000)
            count += 1
            time.sleep(max(0.0, begun + count / 25 - time.monotonic()))

    def watch(self, seconds: float, camera: str = "cam-1", quality: Literal["main", "stills"] = "main") -> None:
        named = None if quality == "main" else quality
        said = LiveOn(
            id=f"w-{time.monotonic()}", command="live_on", camera_id=camera, quality=quality, stream=named,
            seconds=seconds,
        )  # fmt: skip
        assert Asked(self.folders.asked, "live_on").put(said) is None

    def close(self) -> int:
        self.process.terminate()
        status = self.process.wait(20)
        self._over.set()
        self.tap.stop()
        return status


@pytest.fixture
def central() -> Iterator[Central]:
    one = Central()
    yield one
    one.server.shutdown()


def test_a_camera_is_shown_while_somebody_watches_and_cut_at_once(tmp_path: Path, central: Central) -> None:
    box = Box(tmp_path, central)
    try:
        box.watch(20, "cam-none")
        box.watch(20)
        path, shown = central.calls.get(timeout=20)
        assert path == path_of("cam-1")
        claims = jwt.decode(shown.removeprefix("Bearer "), box.key, algorithms=["EdDSA"]).claims
        assert (claims["iss"], claims["aud"]) == ("b", "sightline-central")

        found = central.messages(60)
        header, first = found[0], found[1]
        assert (header.kind, first.kind, first.keyframe) == (INIT, FRAGMENT, True)
        mime, _, begin = header.body.partition(b"\n")
        assert mime.startswith(b'video/mp4; codecs="avc1.')
        film = begin + b"".join(one.body for one in found[1:])
        with av.open(io.BytesIO(film)) as source:
            assert len(list(source.decode(video=0))) == len(found) - 1
        late = sorted(time.time() - one.wall_us / 1e6 for one in central.messages(10))
        assert 0 <= late[5] < 0.5

        (box.folders.run / "cut").mkdir()
        (box.folders.run / "cut" / "cam-1").write_text("a privacy mask is not painted\n")
        assert json.loads(central.text() or "") == {"state": "cut", "reason": "a privacy mask is not painted"}
        assert central.text() is None
        box.watch(20)  # asked again: the reason, and no picture
        assert json.loads(str(central.said.get(timeout=20)))["state"] == "cut"
        assert central.said.get(timeout=20) is None
        (box.folders.run / "cut" / "cam-1").unlink()
        box.watch(1.0)
        assert central.messages(1)[0].kind == INIT
        assert central.text() is None  # nobody watches any more
    finally:
        assert box.close() == 0


def test_what_browsers_do_not_play_is_shown_in_stills(tmp_path: Path, central: Central) -> None:
    box = Box(tmp_path, central, "libx265")
    try:
        box.watch(20)
        found = central.messages(2)
        assert [one.kind for one in found] == [STILL, STILL]
        assert all(one.body.startswith(b"\xff\xd8") for one in found)
        assert 0.5e6 < found[1].wall_us - found[0].wall_us < 1.5e6
    finally:
        assert box.close() == 0


def test_stills_for_a_thin_link_go_beside_the_video_of_the_others(tmp_path: Path, central: Central) -> None:
    box = Box(tmp_path, central)
    try:
        box.watch(20)
        box.watch(20, quality="stills")
        paths = {central.calls.get(timeout=20)[0] for _ in range(2)}
        assert paths == {path_of("cam-1"), path_of("cam-1", "stills")}
        kinds = {one.kind for one in central.messages(80)}
        assert kinds == {INIT, FRAGMENT, STILL}
    finally:
        assert box.close() == 0


def test_a_thin_link_leaves_pictures_out_then_gets_stills_and_recovers() -> None:
    line = Backlog()
    line.put(LiveMessage(INIT, True, 0, b"i"), 0.0)
    line.put(LiveMessage(FRAGMENT, True, 1, b"k"), 0.0)
    line.put(LiveMessage(FRAGMENT, False, 2, b"d"), LATE_S + 0.1)  # too late: all goes, and this needs what went
    assert not line.thin
    line.put(LiveMessage(FRAGMENT, True, 3, b"k"), LATE_S + 0.2)
    left = [line.take(0), line.take(0), line.take(0)]
    assert [None if one is None else one.wall_us for one in left] == [0, 3, None]
    line.put(LiveMessage(FRAGMENT, True, 4, b"k"), 3.0)
    line.put(LiveMessage(FRAGMENT, True, 5, b"k"), 3.0 + LATE_S + 0.1)
    assert line.thin
    while line.take(0) is not None:
        pass
    line.put(LiveMessage(STILL, True, 6, b"s"), 5.2 + WELL_S)
    assert not line.thin


@pytest.mark.parametrize("raw", [b"", b"\x01" * 10, b"\x09\x00" + bytes(9), b"\x02\x07" + bytes(9)])
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="message"):
        unpack(raw)


def recorded(box: Box, *starts_us: int) -> None:
    """Segments of two seconds of the film at these instants, in the box's index."""
    root = box.folders.recordings
    index = Index(root)
    rows = []
    for number, start_us in enumerate(starts_us):
        name = f"{number}.mp4"
        (root / "cam-1").mkdir(parents=True, exist_ok=True)
        shutil.copy(box.folders.data_dir.parent / "a.mp4", root / "cam-1" / name)
        rows.append(
            Segment(
                camera="cam-1", start_us=start_us, end_us=start_us + 2_000_000, run="r", epoch=0, t0=2.0 * number,
                t1=2.0 * number + 2.0, name=name, bytes=1, sha256="0" * 64, pictures=50, damaged=0, codec="h264",
                width=SIZE[0], height=SIZE[1], clock="rtcp",
            )
        )  # fmt: skip
    index.add(rows)
    index.close()


def play(box: Box, from_us: int, pace: int = 1) -> None:
    said = LiveOn(
        id=f"p-{time.monotonic()}", command="live_on", camera_id="cam-1", stream="p-1", from_us=from_us, pace=pace,
        seconds=60,
    )  # fmt: skip
    assert Asked(box.folders.asked, "live_on").put(said) is None


def test_a_recording_is_played_back_from_an_instant_over_a_gap_to_its_end(tmp_path: Path, central: Central) -> None:
    box = Box(tmp_path, central)
    begin = 1_700_000_000_000_000
    recorded(box, begin, begin + 2_000_000, begin + 60_000_000)
    try:
        asked_at = time.monotonic()
        play(box, begin + 1_500_000, pace=2)
        assert central.calls.get(timeout=20)[0] == path_of("cam-1", "p-1")
        found = []
        while isinstance(one := central.said.get(timeout=30), bytes):
            found.append(unpack(one))
        took = time.monotonic() - asked_at
        assert json.loads(one or "") == {"state": "ended"}
    finally:
        assert box.close() == 0
    assert [one.kind for one in found].count(INIT) == 2, "one stream up to the gap, another behind it"
    pictures = [one for one in found if one.kind == FRAGMENT]
    walls = [one.wall_us for one in pictures]
    assert pictures[0].keyframe and walls[0] <= begin + 1_500_000 and walls == sorted(set(walls))
    assert walls[-1] > begin + 61_800_000 and not [at for at in walls if begin + 4_000_000 < at < begin + 60_000_000]
    # 2.5 s and 2 s of it at twice the pace.
    assert 2.0 < took < 12.0
    first, second = [place for place, one in enumerate(found) if one.kind == INIT]
    for part in (found[first:second], found[second:]):
        raw = part[0].body.partition(b"\n")[2] + b"".join(one.body for one in part[1:])
        with av.open(io.BytesIO(raw)) as container:
            times = [frame.time for frame in container.decode(video=0)]
        assert times == sorted(times) and len(times) == len(part) - 1


def test_what_was_recorded_since_a_mask_failed_is_not_played_back(tmp_path: Path, central: Central) -> None:
    box = Box(tmp_path, central)
    now_us = time.time_ns() // 1000
    recorded(box, now_us - 24_000_000, now_us - 22_000_000, now_us - 2_000_000, now_us)
    cut = box.folders.run / "cut" / "cam-1"
    cut.parent.mkdir(parents=True, exist_ok=True)
    cut.write_text("the mask is gone")
    os.utime(cut, ns=((now_us - 1_000_000) * 1000,) * 2)
    try:
        play(box, now_us - 23_500_000, pace=8)
        found = []
        while isinstance(one := central.said.get(timeout=30), bytes):
            found.append(unpack(one))
        assert json.loads(one or "") == {"state": "cut", "reason": "the mask is gone"}
    finally:
        assert box.close() == 0
    walls = [one.wall_us for one in found if one.kind == FRAGMENT]
    assert walls and max(walls) < now_us - 11_000_000, "what came before it was noticed is withheld as well"


def test_what_was_bare_is_not_played_back_when_that_is_over(tmp_path: Path, central: Central) -> None:
    box = Box(tmp_path, central)
    begin = 1_700_000_000_000_000
    recorded(box, *(begin + 2_000_000 * number for number in range(12)))
    bare = Bare(folder_of(box.folders.data_dir), "cam-1")
    bare.add(begin + 14_500_000, begin + 18_500_000)
    try:
        play(box, begin, pace=8)
        found = []
        while isinstance(one := central.said.get(timeout=30), bytes):
            found.append(unpack(one))
        assert json.loads(one or "") == {"state": "ended"}
    finally:
        assert box.close() == 0
    walls = [one.wall_us - begin for one in found if one.kind == FRAGMENT]
    assert min(walls) == 0 and 4_000_000 < max(at for at in walls if at < 10_000_000) < 4_500_000
    assert not [at for at in walls if 4_500_000 <= at <= 18_500_000] and max(walls) > 23_800_000
    (box.folders.data_dir / "polling" / "cam-1.bare").write_text("not a number\n")
    assert bare.holds(begin) and bare.holds(1), "what cannot be read withholds all"
