"""A camera that signs its video does so in SEI units (ONVIF Media Signing): box and bundle hand on every byte of them."""

import io
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
from bundle_kit import Bureau, bureau

from edge.cameras.file import FilePackets
from edge.cameras.link import CameraLink
from edge.cameras.nal import annexb, parameters
from edge.cameras.packets import CameraPacket
from edge.cameras.ring import PacketRing
from edge.deliver.spool import Spool
from edge.evidence.clip import write_clip
from edge.record.deletion import Deletions
from edge.record.index import Index, Segment
from edge.record.recorder import Recorder, Target
from edge.record.sealer import Sealer
from edge.record.segment import GrowingSegment, Template
from edge.record.space import Budget, Space
from sightline.evidence.verify import Trust, verify
from tests.scenes.recordings import record
from tests.scenes.units import PlannedCamera, planned

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
#: User data of a signer (ITU-T H.264 D.1.7): a UUID, then whatever the signer writes.
_SIGNER = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
_NAL = {"h264": b"\x06", "hevc": b"\x4e\x01"}


def sei(codec: str, number: int, size: int) -> bytes:
    """An SEI unit of user data that is not registered: some is larger than a packet, all of it needs escaping."""
    body = (
        _SIGNER
        + number.to_bytes(4, "big")
        + bytes((number * 7 + at // 5) % 256 if at % 5 > 2 else 0 for at in range(size))
    )
    raw = b"\x05" + b"\xff" * (len(body) // 255) + bytes([len(body) % 255]) + body + b"\x80"
    escaped, zeros = bytearray(), 0
    for value in raw:
        if zeros == 2 and value <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(value)
        zeros = zeros + 1 if value == 0 else 0
    return _NAL[codec] + bytes(escaped)


def kind_of(unit: bytes, codec: str) -> int:
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def units(data: bytes) -> list[bytes]:
    """The units between start codes. A zero before a start code is the code's own (four bytes), not the unit's."""
    return [unit.removesuffix(b"\x00") for unit in data.split(b"\x00\x00\x01") if unit.strip(b"\x00")]


def of(packets: Sequence[CameraPacket], codec: str) -> list[list[bytes]]:
    """Each picture's units, parameter sets and delimiters apart: those a camera sends as often as it likes."""
    apart = {7, 8, 9} if codec == "h264" else {32, 33, 34, 35}
    found = [units(annexb(one.data, one.info.extradata, codec)) for one in packets]
    return [[unit for unit in picture if kind_of(unit, codec) not in apart] for picture in found]


def signed(folder: Path, codec: str, seconds: float = 3.0) -> list[CameraPacket]:
    """Packets as a signing camera sends them: an SEI unit before each picture, a large one before each keyframe."""
    path = record(
        folder / f"{codec}.mp4", seconds, {"h264": "libx264", "hevc": "libx265"}[codec], 10, 10, 0, (320, 176)
    )
    packets = FilePackets(path, lambda _: START).packets(0.0, 1e6)
    sets = parameters(codec, packets[0].info.extradata)
    info = replace(packets[0].info, extradata=sets)
    made = []
    for number, one in enumerate(packets):
        mark = b"\x00\x00\x00\x01" + sei(codec, number, 4000 if one.keyframe else 90)
        picture = annexb(one.data, one.info.extradata, codec)
        made.append(replace(one, data=(sets if one.keyframe else b"") + mark + picture, info=info))
    return made


def marks(pictures: list[list[bytes]], codec: str) -> int:
    """How many of the signer's units are there, escapes taken out."""
    wanted = {"h264": 6, "hevc": 39}[codec]
    return sum(kind_of(unit, codec) == wanted and _SIGNER[:4] in unit for picture in pictures for unit in picture)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_recording_and_a_clip_keep_what_the_camera_signed(tmp_path: Path, codec: str) -> None:
    packets = signed(tmp_path, codec)
    sent = of(packets, codec)
    assert marks(sent, codec) == len(packets) == 30
    clip = write_clip(packets, tmp_path / "clip.mp4")
    growing = GrowingSegment(tmp_path / "cam-1", START, Template(packets[0]), packets[0])
    for packet in packets:
        growing.add(packet)
    growing.finish()
    for path in (clip.path, growing.part):
        assert of(FilePackets(path, lambda _: START).packets(0.0, 60.0), codec) == sent
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == len(packets), "and it plays"


class Watching:
    """A recorder of a camera while the block runs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.rows: list[object] = []
        self.index = Index(folder)
        self.sealer = Sealer(self.index, self.rows.append)
        spare = Index(folder)
        deletions = Deletions(folder, spare, Spool(folder / "spool"), "box-1")
        space = Space(folder, spare, Budget(10**12, 0), deletions, {})
        self.recorder = Recorder(Target("cam-1", url, folder / "cam-1", "run", 1.0), self.sealer, space, None)

    def __enter__(self) -> "Watching":
        self.sealer.start()
        self.recorder.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.recorder.stop()
        self.recorder.join(10)
        self.sealer.stop(10)


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(0.05)


@pytest.mark.parametrize("codec", ["h264", pytest.param("hevc", marks=pytest.mark.long)])
def test_from_the_camera_over_rtsp_to_the_bundle_it_is_the_same(tmp_path: Path, codec: str) -> None:
    packets = signed(tmp_path, codec, 4.0)
    sent = of(packets, codec)
    data = [annexb(one.data, one.info.extradata, codec) for one in packets]
    camera = PlannedCamera(tmp_path / "camera", planned(packets, data), {"h264": "h264", "hevc": "h265"}[codec])
    try:
        ring = PacketRing(60.0, lambda _: START)
        with Watching(tmp_path / "kept", camera.url) as watching:
            link = CameraLink("cam-1", camera.url, ring.append, "tcp", lambda _: None)
            thread = threading.Thread(target=link.run, daemon=True)
            thread.start()
            until(lambda: len(ring.packets(-1e9, 1e9)) >= 38)
            until(lambda: len(list(watching.index.segments("cam-1"))) >= 3)
            link.stop()
            thread.join(10)
        rows = [row for row in watching.rows if isinstance(row, Segment)]
    finally:
        camera.stop()
    clip = write_clip(ring.packets(-1e9, 1e9), tmp_path / "clip.mp4")
    kept = [FilePackets(tmp_path / "kept" / "cam-1" / row.name, lambda _: START).packets(0.0, 60.0) for row in rows]
    recorded = [picture for one in kept for picture in of(one, codec)]
    cut = of(FilePackets(clip.path, lambda _: START).packets(0.0, 60.0), codec)
    assert len(recorded) >= 30 and recorded == sent[: len(recorded)]
    assert len(cut) >= 38 and cut == sent[: len(cut)]
    assert marks(cut, codec) == len(cut)
    _exported(tmp_path, clip.path.read_bytes())


def _exported(tmp_path: Path, film: bytes) -> None:
    """The clip in a bundle is the box's file, byte for byte, and has its C2PA manifest beside it."""
    office: Bureau = bureau(tmp_path / "office")
    try:
        case = office.case(film=film)
        path = office.bundle(case, tmp_path / "b.zip")
    finally:
        office.db.close()
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as opened:
        assert opened.read("originals/03-clip.mp4") == film
        assert "originals/03-clip.c2pa" in opened.namelist()
    assert any("manifests hold" in line for line in verify(path, Trust()))
