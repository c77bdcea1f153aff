"""Stills and clips, cut from real recordings."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import cv2
import numpy as np
import pytest

from contract.sealing import sha256_hex
from edge.cameras.decode import bgr
from edge.cameras.file import FilePackets
from edge.cameras.nal import annexb
from edge.cameras.packets import CameraPacket
from edge.evidence.clip import ClipError, write_clip
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.label import Label
from edge.evidence.pack import Pack
from edge.rules.decision import Decision, Keep, Moment, Outcome, Release
from tests.scenes.recordings import record

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
BOX = (300.0, 200.0, 420.0, 290.0)
LABEL = Label("迎春南路 3 号", "cam-1", ZoneInfo("Asia/Shanghai"), "由北向南")


def wall(t: float) -> datetime:
    return START + timedelta(seconds=t)


@pytest.fixture
def store(shared: Path) -> FilePackets:
    """640x360, H.264 with B-frames, 20 s."""
    return FilePackets(shared / "clips" / "road_illegal_parking_kevinjoy.mp4", wall)


def parked(store: FilePackets, first: float, trigger: float, passage: str = "kerb|1") -> Decision:
    begin, end = (store.picture_at(t)[0] for t in (first, trigger))
    moment = Moment(end, BOX)
    return Decision(
        rule="illegal_parking",
        outcome=Outcome.VIOLATION,
        passage=passage,
        zone_id="kerb",
        track_id=1,
        vehicle_class="car",
        first=Moment(begin, BOX),
        trigger=moment,
        last=moment,
        reason="stood for longer than is permitted",
    )


def units(packet: CameraPacket) -> list[bytes]:
    data = annexb(packet.data, packet.info.extradata, packet.info.codec)
    return [unit for unit in re.split(b"\x00\x00\x00?\x01", data) if unit]


def decoded(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield bgr(frame)


def far(pack: Pack) -> list[str]:
    return [image.moment for image in pack.images if image.role == "far" and not image.overlay]


@pytest.mark.parametrize(
    "name",
    [
        "road_illegal_parking_kevinjoy.mp4",  # one B-frame
        "road_crosswalk_blocked_guto.mp4",  # B-frames that are references
        "road_crosswalk_madison_roxa.mp4",  # variable frame rate
        "street_towncentre_10s_yassim.mp4",  # 1080p, no B-frames
    ],
)
def test_a_clip_holds_the_cameras_own_bytes_and_times(shared: Path, tmp_path: Path, name: str) -> None:
    source = FilePackets(shared / "clips" / name, wall)
    packets = source.packets(4.0, 9.0)
    clip = write_clip(packets, tmp_path / "clip.mp4")
    copy = FilePackets(clip.path, wall).packets(0.0, 60.0)
    assert [units(packet) for packet in packets] == [units(packet) for packet in copy]
    assert [p.t - packets[0].t for p in packets] == pytest.approx([p.t - copy[0].t for p in copy], abs=2e-4)
    assert packets[0].keyframe and packets[0].t <= 4.0
    assert clip.t1 >= 8.9


def test_h265_with_b_frames_is_cut_without_encoding(tmp_path: Path) -> None:
    recording = record(tmp_path / "hevc.mp4", 6.0, "libx265", bframes=3)
    packets = FilePackets(recording, wall).packets(2.5, 5.0)
    clip = write_clip(packets, tmp_path / "clip.mp4")
    assert clip.codec == "hevc"
    copy = FilePackets(clip.path, wall).packets(0.0, 60.0)
    assert [units(packet) for packet in packets] == [units(packet) for packet in copy]
    assert len(list(decoded(clip.path))) >= 60


def test_a_clip_has_its_index_in_front(store: FilePackets, tmp_path: Path) -> None:
    clip = write_clip(store.packets(4.0, 9.0), tmp_path / "clip.mp4")
    raw = clip.path.read_bytes()
    assert 0 < raw.index(b"moov") < raw.index(b"mdat")
    assert list(tmp_path.iterdir()) == [clip.path]


def test_a_codec_without_a_place_in_mp4_is_named(shared: Path, tmp_path: Path) -> None:
    packets = FilePackets(shared / "clips" / "mot_pets09_s2l1_vtest.avi", wall).packets(4.0, 9.0)
    with pytest.raises(ClipError, match="msmpeg4"):
        write_clip(packets, tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_stay_gives_stills_crops_overlays_and_clip(store: FilePackets, tmp_path: Path) -> None:
    keeper = EvidenceKeeper(store, tmp_path, label=LABEL, frame=(640, 360))
    decision = parked(store, 3.0, 16.0)
    keeper.keep(Keep("kerb|1", "first", decision.first.t, BOX))
    keeper.keep(Keep("kerb|1", "spacing", store.picture_at(9.0)[0], BOX))
    keeper.decided(decision, "ab" * 32)
    assert keeper.due(decision.last.t) == []
    (pack,) = keeper.due(decision.last.t + 2.0)
    assert pack.case_key == "ab" * 32
    assert far(pack) == ["first", "spacing", "trigger"]
    assert {image.role for image in pack.images} == {"far", "mid", "near", "composite"}
    assert pack.dropped == []
    assert pack.below_profile == ["pictures of 640x360; at least 1280x720 is asked for"]
    named = {image.sha256 for image in pack.images} | ({pack.video.sha256} if pack.video else set())
    assert named == set(pack.files)
    assert all(sha256_hex(path.read_bytes()) == name for name, path in pack.files.items())
    assert pack.video is not None and pack.video.t0 <= 0.1 and pack.video.t1 >= 17.9
    assert keeper.due(decision.last.t + 4.0) == [] == keeper.flush(), "its files stay as they are named"
    assert all(sha256_hex(path.read_bytes()) == name for name, path in pack.files.items())
    keeper.done(pack)
    assert list(tmp_path.iterdir()) == []
    assert keeper.flush() == []


def test_an_original_is_the_very_picture_and_its_overlay_hides_nothing(store: FilePackets, tmp_path: Path) -> None:
    keeper = EvidenceKeeper(store, tmp_path, label=LABEL, frame=(640, 360))
    decision = parked(store, 3.0, 16.0)
    keeper.decided(decision)
    (pack,) = keeper.flush()
    original, overlay = (
        next(i for i in pack.images if i.moment == "first" and i.role == "far" and i.overlay is wanted)
        for wanted in (False, True)
    )
    assert original.t == decision.first.t and original.at == wall(decision.first.t)
    exact = store.picture_at(decision.first.t)[1]
    still = cv2.imread(str(pack.files[original.sha256]))
    assert still.shape == exact.shape
    assert cv2.PSNR(still, exact) > 38
    printed = cv2.imread(str(pack.files[overlay.sha256]))
    assert printed.shape[0] > still.shape[0]
    assert cv2.PSNR(printed[: still.shape[0]], still) > 38
    assert printed[still.shape[0] :].max() > 200


def test_an_overlay_is_asked_for_not_assumed(store: FilePackets, tmp_path: Path) -> None:
    keeper = EvidenceKeeper(store, tmp_path)
    keeper.decided(parked(store, 3.0, 16.0))
    (pack,) = keeper.flush()
    assert not any(image.overlay for image in pack.images)


def test_what_is_released_or_cleared_leaves_nothing(store: FilePackets, tmp_path: Path) -> None:
    keeper = EvidenceKeeper(store, tmp_path)
    keeper.keep(Keep("a", "first", 3.0, BOX))
    keeper.keep(Keep("b", "first", 3.0, BOX))
    assert keeper.waiting == 2
    keeper.release(Release("a"))
    cleared = parked(store, 3.0, 6.0, "b")
    keeper.decided(Decision(**{**_fields(cleared), "outcome": Outcome.CLEARED}))
    assert keeper.waiting == 0
    assert list(tmp_path.iterdir()) == []


def test_what_memory_no_longer_has_is_named(store: FilePackets, tmp_path: Path) -> None:
    keeper = EvidenceKeeper(store, tmp_path)
    late = parked(store, 3.0, 16.0)
    gone = Decision(**{**_fields(late), "first": Moment(-40.0, BOX)})
    keeper.decided(gone)
    (pack,) = keeper.flush()
    assert any(line.startswith("still of first: -40.000 s is outside") for line in pack.dropped)
    assert far(pack) == ["trigger"]
    assert any("at least 2" in line for line in pack.below_profile)


def test_pictures_too_close_together_are_below_the_profile(store: FilePackets, tmp_path: Path) -> None:
    keeper = EvidenceKeeper(store, tmp_path)
    keeper.decided(parked(store, 10.0, 14.0))
    (pack,) = keeper.flush()
    assert any("4.0 s apart" in line for line in pack.below_profile)


def test_a_restart_finds_what_was_kept_and_what_was_decided(store: FilePackets, tmp_path: Path) -> None:
    before = EvidenceKeeper(store, tmp_path)
    now = datetime.now(UTC).replace(microsecond=0)
    fresh = FilePackets(store._path, lambda t: now + timedelta(seconds=t))
    before = EvidenceKeeper(fresh, tmp_path)
    before.decided(parked(fresh, 3.0, 16.0, "kerb|decided"), "cd" * 32)
    before.keep(Keep("kerb|open", "first", 4.0, BOX))
    # The new run's stream time began 4 s later on the wall.
    later = FilePackets(store._path, lambda t: now + timedelta(seconds=4 + t))
    after = EvidenceKeeper(later, tmp_path)
    (pack,) = after.due(0.0)
    assert pack.case_key == "cd" * 32 and pack.video is None
    assert "video: the box restarted before the clip was cut" in pack.dropped
    assert far(pack) == ["first", "trigger"]
    after.done(pack)
    after.decided(parked(later, 0.0, 12.0, "kerb|open"))
    (pack,) = after.flush()
    first = next(image for image in pack.images if image.moment == "first")
    assert first.at == now + timedelta(seconds=4) or abs(first.t) < 0.05


def test_another_stay_of_the_same_name_lends_no_pictures(store: FilePackets, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    fresh = FilePackets(store._path, lambda t: now + timedelta(seconds=t))
    EvidenceKeeper(fresh, tmp_path).keep(Keep("kerb|7", "spacing", 4.0, BOX))
    much_later = FilePackets(store._path, lambda t: now + timedelta(seconds=3600 + t))
    keeper = EvidenceKeeper(much_later, tmp_path)
    keeper.decided(parked(much_later, 2.0, 15.0, "kerb|7"))
    (pack,) = keeper.flush()
    assert far(pack) == ["first", "trigger"]


def test_orphans_go_after_two_days(store: FilePackets, tmp_path: Path) -> None:
    EvidenceKeeper(store, tmp_path).keep(Keep("old", "first", 4.0, BOX))
    assert len(list(tmp_path.iterdir())) == 1
    EvidenceKeeper(store, tmp_path)  # the store's wall clock is long past
    assert list(tmp_path.iterdir()) == []


def _fields(decision: Decision) -> dict[str, object]:
    return {name: getattr(decision, name) for name in decision.__dataclass_fields__}


def test_a_disk_that_refuses_costs_media_and_is_named(store: FilePackets, tmp_path: Path) -> None:
    told: list[str] = []
    root = tmp_path / "evidence"
    keeper = EvidenceKeeper(store, root, tell=told.append)
    root.rmdir()
    root.write_text("where the folder was there is a file now: nothing can be written below it")
    keeper.keep(Keep("kerb|1", "first", 3.0, BOX))
    keeper.decided(parked(store, 3.0, 16.0), "ef" * 32)
    (pack,) = keeper.flush()
    assert pack.case_key == "ef" * 32
    assert (pack.images, pack.video, pack.files) == ([], None, {})
    assert any(line.startswith("still of first") and "the disk refuses it" in line for line in pack.dropped)
    assert any(line.startswith("video: the disk refuses it") for line in pack.dropped)
    assert any("the disk refuses it" in line for line in told)
