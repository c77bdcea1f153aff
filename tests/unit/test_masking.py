"""Masks: every pixel of a polygon is covered, and nothing goes past the stage that was not painted."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from av.error import FFmpegError
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import ConfigError, InputError
from contract.sitefile import load_site
from edge.cameras.decode import Decoder
from edge.cameras.file import FilePackets
from edge.cameras.packets import CameraPacket, StreamInfo
from edge.config import load_config
from edge.judgement import Place, law_of
from edge.masking.area import BLOCK, boxes
from edge.masking.encoder import Encoder
from edge.masking.painter import COLOUR
from edge.masking.plan import Plan, plan_of, told
from edge.masking.stage import Height, Masks, stage
from edge.replay import place_of
from edge.supervisor import Supervisor
from edge.worker import Worker
from sightline.bench.masks import bench_masks, section
from tests.mask_kit import SECRET, planes, record_room, showing_packets, within

ROOT = Path(__file__).resolve().parents[2]
SIZE = (320, 192)


def plan(size: tuple[int, int] = SIZE, max_height: int = 1080) -> Plan:
    return Plan((tuple((x * size[0], y * size[1]) for x, y in SECRET),), size, max_height)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[CameraPacket]]:
    folder, made = tmp_path_factory.mktemp("films"), {}

    def packets(codec: str = "libx264", bframes: int = 0, size: tuple[int, int] = SIZE) -> list[CameraPacket]:
        name = f"{codec}-{bframes}-{size[0]}x{size[1]}"
        if name not in made:
            path = record_room(folder / f"{name}.mp4", 3.0, size, codec, bframes)
            made[name] = FilePackets(path, lambda t: datetime(2026, 1, 5, tzinfo=UTC)).packets(0.0, 1e6)
        return made[name]

    return packets


class Run:
    """A stage, and what came out of it."""

    def __init__(self, chosen: Plan) -> None:
        self.out: list[CameraPacket] = []
        self.told: list[str] = []
        self.stage = stage("cam-1", chosen, self.out.append, self.told.append)

    def through(self, packets: list[CameraPacket]) -> "Run":
        for packet in packets:
            self.stage.take(packet)
        self.stage.flush()
        return self


# -- the area --------------------------------------------------------------------------------------------------------

sides = st.integers(64, 700)
points = st.tuples(st.floats(-0.3, 1.3), st.floats(-0.3, 1.3))


@settings(max_examples=150, deadline=None)
@given(st.lists(points, min_size=3, max_size=9), st.tuples(sides, sides), st.tuples(sides, sides))
def test_every_pixel_of_any_polygon_is_covered(
    shares: list[tuple[float, float]], frame: tuple[int, int], size: tuple[int, int]
) -> None:
    size = (size[0] // 2 * 2, size[1] // 2 * 2)
    polygon = [(x * frame[0], y * frame[1]) for x, y in shares]
    covered = np.zeros((size[1], size[0]), dtype=bool)
    for box in boxes([polygon], frame, size):
        assert all(side % 2 == 0 for side in (box.left, box.top, box.right, box.bottom))
        assert box.left < box.right <= size[0] and box.top < box.bottom <= size[1]
        covered[box.top : box.bottom, box.left : box.right] = True
    # By another's drawing, corners rounded to pixels, each loop and the line itself, and some pixels around. It draws
    # along the edge what lies beyond it, so it is given room.
    room = 256
    corners = np.array([[round(x * size[0]) + room, round(y * size[1]) + room] for x, y in shares], dtype=np.int32)
    drawn = cv2.fillPoly(np.zeros((size[1] + 2 * room, size[0] + 2 * room), np.uint8), [corners], 1)
    drawn |= cv2.polylines(np.zeros_like(drawn), [corners], True, 1)
    near = cv2.dilate(drawn, np.ones((BLOCK - 1, BLOCK - 1), np.uint8))[room:-room, room:-room]
    assert covered[near.astype(bool)].all()


def test_both_halves_of_a_polygon_that_crosses_itself_and_its_hole_are_covered() -> None:
    star = [(50, 2), (80, 95), (2, 35), (98, 35), (20, 95)]
    covered = np.zeros((160, 160), dtype=bool)
    for box in boxes([[(x * 1.6, y * 1.6) for x, y in star]], (160, 160), (160, 160)):
        covered[box.top : box.bottom, box.left : box.right] = True
    assert covered[80, 80] and not covered[0, 0]


def test_what_is_far_from_a_mask_is_not_painted() -> None:
    covered = sum(
        (box.right - box.left) * (box.bottom - box.top)
        for box in boxes([[(640, 320), (800, 320), (800, 480), (640, 480)]], (1920, 1080), (1920, 1080))
    )
    assert 160 * 160 < covered <= (160 + 4 * BLOCK) ** 2


# -- the stage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("codec", "bframes"), [("libx264", 0), ("libx264", 3), ("libx265", 3)])
def test_no_picture_that_comes_out_shows_the_secret(film: Callable, codec: str, bframes: int) -> None:
    packets = film(codec, bframes)
    assert showing_packets(packets).showing == len(packets) == 75
    out = Run(plan()).through(packets).out
    seen = showing_packets(out)
    assert (seen.pictures, seen.showing) == (75, 0)
    assert [packet.t for packet in out] == sorted(packet.t for packet in packets)
    assert {packet.t for packet in out if packet.keyframe} == {packet.t for packet in packets if packet.keyframe}
    assert all(packet.dts == packet.t and packet.info.masked for packet in out)
    assert len({id(packet.info) for packet in out}) == 1 and out[0].info.codec == "h264"
    assert out[0].info.epoch == packets[0].info.epoch and not packets[0].info.masked


def test_what_is_not_masked_looks_as_it_did(film: Callable) -> None:
    packets = film()
    out = Run(plan()).through(packets).out
    before = [planes(frame)[0].astype(int).copy() for _, frame in Decoder().through(packets)]
    after = [planes(frame)[0].astype(int).copy() for _, frame in Decoder().through(out)]
    far = np.s_[:, 176:]  # right of mask and border
    worst = max(float(np.mean((a[far] - b[far]) ** 2)) for a, b in zip(before, after, strict=True))
    assert 10 * np.log10(255**2 / max(worst, 1e-9)) > 30.0


def test_what_comes_before_a_keyframe_is_dropped(film: Callable) -> None:
    run = Run(plan()).through(film()[10:])
    assert run.out[0].keyframe and run.out[0].t == film()[25].t and len(run.out) == 50


@pytest.mark.parametrize("seed", range(6))
def test_damaged_pictures_are_dropped_or_painted_and_never_passed_on(film: Callable, seed: int) -> None:
    rng = np.random.default_rng(seed)
    broken = []
    for packet in film("libx265" if seed % 2 else "libx264", 2):
        data = bytearray(packet.data)
        if rng.random() < 0.4:
            for at in rng.integers(5, len(data), 1 + len(data) // 60):
                data[at] = int(rng.integers(256))
        if rng.random() < 0.1:
            data = data[: len(data) // 3]
        fields = {name: getattr(packet, name) for name in CameraPacket.__slots__}
        broken.append(CameraPacket(**fields | {"data": bytes(data)}))
    run = Run(plan()).through(broken)
    given = {packet.data for packet in broken}
    assert not any(packet.data in given for packet in run.out)
    area = showing_painted(run.out)
    assert area == len(run.out)


def showing_painted(packets: list[CameraPacket]) -> int:
    """Pictures whose secret area is painted: damage elsewhere may have any colour."""
    count = 0
    for _, frame in Decoder().through(packets):
        luma, blue, red = planes(frame)
        secret = within(frame.width, frame.height)
        half = secret[::2, ::2] & secret[1::2, 1::2]
        pairs = ((luma[secret], COLOUR[0]), (blue[half], COLOUR[1]), (red[half], COLOUR[2]))
        count += all(int(np.abs(plane.astype(int) - value).max()) <= 8 for plane, value in pairs)
    return count


def test_when_the_encoder_fails_nothing_goes_on_until_it_works(film: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    packets, real, broken = film(), Encoder.encode, [True]

    def encode(self: Encoder, frame: object, of: CameraPacket) -> list[CameraPacket]:
        if broken:
            raise FFmpegError(1, "the encoder is out of memory")
        return real(self, frame, of)

    monkeypatch.setattr(Encoder, "encode", encode)
    monkeypatch.setattr("edge.masking.stage._AGAIN_S", 0.0)
    run = Run(plan())
    for packet in packets[:50]:
        run.stage.take(packet)
    assert run.out == [] and "out of memory" in (run.stage.refused or "") and len(run.told) == 1
    broken.clear()
    for packet in packets[50:]:
        run.stage.take(packet)
    assert run.stage.refused is None and len(run.out) == 25 and showing_packets(run.out).showing == 0


def test_a_stream_that_changes_its_size_is_masked_at_either(film: Callable) -> None:
    large = film(size=(640, 384))
    moved = [
        CameraPacket(one.t + 3, one.dts + 3, one.duration, one.data, one.keyframe, one.disposable, one.info)
        for one in large
    ]
    run = Run(plan()).through([*film(bframes=3), *moved])
    seen = showing_packets(run.out)
    assert (seen.pictures, seen.showing, seen.sizes) == (150, 0, {(320, 192), (640, 384)})


def test_a_size_that_the_link_did_not_tell_of_is_masked_too(film: Callable) -> None:
    info = film()[0].info
    sets = film(size=(640, 384))[0].info
    told = StreamInfo(sets.codec, info.width, info.height, sets.extradata, sets.rate, 0, 5)
    packets = [
        CameraPacket(one.t, one.dts, one.duration, one.data, one.keyframe, one.disposable, told)
        for one in film(size=(640, 384))
    ]
    out = Run(plan()).through(packets).out
    assert showing_packets(out).showing == 0 and {(one.info.width, one.info.height) for one in out} == {(640, 384)}


def test_a_picture_of_another_shape_is_refused(film: Callable) -> None:
    run = Run(plan((320, 240))).through(film())
    assert run.out == [] and len(run.told) == 1
    assert "320x192, another shape than `frame` 320x240" in run.told[0]


def test_a_picture_too_high_is_made_smaller_where_masks_are_painted(film: Callable) -> None:
    run = Run(plan((640, 384), max_height=240)).through(film(size=(640, 384)))
    seen = showing_packets(run.out)
    assert (seen.pictures, seen.showing, seen.sizes) == (75, 0, {(400, 240)})


def test_a_picture_too_high_is_refused_where_none_are(film: Callable) -> None:
    bare = Plan((), SIZE, 180)
    run = Run(bare).through(film())
    assert run.out == [] and "over `polling.max_height` 180" in run.told[0] and "or less" in run.told[0]
    whole = Run(Plan((), SIZE, 192)).through(film())
    assert whole.out == film() and isinstance(whole.stage, Height)


def test_masks_come_from_the_site_file(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "sites" / "polling.yaml").read_text()

    def of(changed: str) -> list[Plan | None]:
        (tmp_path / "site.yaml").write_text(changed)
        loaded = load_site(tmp_path / "site.yaml")
        return [plan_of(Place("e", loaded, camera, law_of(loaded))) for camera in loaded.site.cameras]

    masked, bare = of(text)
    assert masked is not None and masked.polygons[0][0] == pytest.approx((25.6, 216.0))
    assert bare is not None and bare.polygons == () and bare.max_height == 1080
    by_camera = of(text.replace("  station:", "  masks: camera\n  station:"))[0]
    assert by_camera is not None and by_camera.polygons == ()
    assert isinstance(stage("c", masked, print, print), Masks)


# -- no way around it ------------------------------------------------------------------------------------------------


def test_edge_check_tells_who_hides_and_what_it_costs(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "sites" / "polling.yaml").read_text()

    def said(changed: str) -> list[str]:
        (tmp_path / "site.yaml").write_text(changed)
        loaded = load_site(tmp_path / "site.yaml")
        places = [Place("e", loaded, camera, law_of(loaded)) for camera in loaded.site.cameras]
        return [one for place in places for one in told(place)]

    assert said(text) == [
        "hall-1: this box paints over booth in every picture, for about 0.13 of a core at 25 a second"
    ]
    by_camera = said(text.replace("  station:", "  masks: camera\n  station:"))
    assert by_camera == ["hall-1: the camera must hide booth itself (masks: camera) - this box paints nothing over it"]


def test_only_a_recorder_takes_a_polling_stations_camera(tmp_path: Path) -> None:
    site = ROOT / "configs" / "sites" / "polling.yaml"
    (tmp_path / "edge.yaml").write_text(f"edge_id: b\nsites: [{site}]\ndata_dir: data\n")
    with pytest.raises(ConfigError, match="hall-1: a polling station's pictures go through its recorder alone"):
        Worker(load_config(tmp_path / "edge.yaml"), ["hall-1"], "worker-1")
    with pytest.raises(InputError, match="judged by no rule"):
        place_of(site, "hall-1")


def test_masked_cameras_are_dealt_out_by_what_they_cost(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "sites" / "polling.yaml").read_text()
    masked = text.partition("  - id: count-1")[0].partition("cameras:")[2]
    more = "".join(masked.replace("hall-1", f"hall-{number}").rstrip() + "\n" for number in range(2, 10))
    (tmp_path / "site.yaml").write_text(text.rstrip() + "\n" + more)
    (tmp_path / "edge.yaml").write_text("edge_id: b\nsites: [site.yaml]\ndata_dir: data\n")
    made = Supervisor(load_config(tmp_path / "edge.yaml"), tmp_path / "edge.yaml", None, print)
    shares = [part._arguments[part._arguments.index("--cameras") + 1].split(",") for part in made.recorders]
    assert sorted(sum(name.startswith("hall") for name in one) for one in shares) == [3, 3, 3]
    assert sum("count-1" in one for one in shares) == 1


def test_nothing_else_opens_a_camera() -> None:
    """Who opens a camera sees what is not masked: a part that wants pictures reads the recorder's tap."""
    opens = ("CameraLink(", "open_source(", "RtspSource(", "open_ffmpeg(", "sub_stream(", "Conversation(")
    found = {
        str(path.relative_to(ROOT))
        for package in ("edge", "sightline", "central")
        for path in (ROOT / package).rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in opens)
    }
    beyond = {one for one in found if not one.startswith("edge/cameras/")}
    # `edge.watch` is a worker's, which refuses a polling station.
    assert beyond == {"edge/record/recorder.py", "edge/watch.py"}


def test_the_bench_measures_and_its_page_is_current(tmp_path: Path) -> None:
    clip = record_room(tmp_path / "room.mp4", 2.0, SIZE)
    result = bench_masks([clip], tmp_path / "streams", 1.0, lambda _: None)
    assert [(row["stream"], row["pictures"]) for row in result["rows"]] == [("720p25", 25), ("1080p25", 25)]
    assert all(row["core"] > 0 and row["psnr_db"] > 30 for row in result["rows"])
    kept = "\n".join(section(ROOT / "docs" / "benchmarks" / "masks.json"))
    assert kept in (ROOT / "docs" / "benchmarks.md").read_text()
