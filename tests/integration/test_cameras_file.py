"""Recorded video: its own time, the exact picture, and files that are broken."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest

from contract.errors import MediaError
from edge.cameras.decode import bgr
from edge.cameras.file import FilePackets, joined
from edge.cameras.link import CameraLink, Change
from edge.cameras.packets import CameraPacket
from edge.evidence.clip import write_clip
from tests.scenes.recordings import bar, record


def wall(t: float) -> datetime:
    return datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=t)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("file") / "bframes.mp4", 6.0, gop=50, bframes=2)


def test_variable_frame_rate_keeps_presentation_times(shared: Path) -> None:
    clip = shared / "clips" / "road_crosswalk_madison_roxa.mp4"
    with av.open(str(clip)) as container:
        truth = {round(float(f.pts * f.time_base), 6): bgr(f) for f in container.decode(video=0)}
    store = FilePackets(clip, wall)
    seen = list(store.pictures())
    assert [t for t, _ in seen] == sorted(truth)
    steps = np.diff([t for t, _ in seen])
    assert np.ptp(steps) > 0.01, "the rate of the clip varies"
    for t in list(truth)[3::29]:
        exact, picture = store.picture_at(t)
        assert exact == t
        assert np.array_equal(picture, truth[t])


def test_the_picture_at_t_is_the_nearest(recording: Path) -> None:
    store = FilePackets(recording, wall)
    for index in (0, 1, 49, 50, 51, 148, 149):
        t, picture = store.picture_at(index * 0.04 + 0.011)
        assert t == pytest.approx(index * 0.04)
        assert bar(picture) == index
    assert store.span() == pytest.approx((0.0, 5.96))
    for outside in (-1.0, 9.0):
        with pytest.raises(LookupError):
            store.picture_at(outside)


def test_only_wanted_pictures_are_made(recording: Path) -> None:
    store = FilePackets(recording, wall)
    assert [round(t, 2) for t, _ in store.pictures(lambda t: t % 1 < 0.01)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_files_follow_one_another(recording: Path) -> None:
    first, second = joined([recording, recording], wall)
    assert second.span()[0] == pytest.approx(6.0)
    times = [t for store in (first, second) for t, _ in store.pictures()]
    assert times == sorted(times) and len(set(times)) == 300
    assert bar(second.picture_at(7.0)[1]) == 25


def test_pictures_that_an_edit_list_hides_stay_hidden(shared: Path) -> None:
    store = FilePackets(shared / "clips" / "lot_person_bicycle_car_intel.mp4", wall)
    assert next(iter(store.pictures()))[0] == 0.0
    assert store.span()[0] == 0.0


def test_a_truncated_file_plays_to_its_last_good_frame_and_says_so(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "clips" / "street_towncentre_10s_yassim.mp4").read_bytes()
    if whole.index(b"moov") > whole.index(b"mdat"):  # put the index in front, as cameras' exports have it
        source = FilePackets(shared / "clips" / "street_towncentre_10s_yassim.mp4", wall)
        whole = write_clip(source.packets(0.0, 60.0), tmp_path / "whole.mp4").path.read_bytes()
    short = tmp_path / "short.mp4"
    short.write_bytes(whole[: len(whole) // 2])
    store = FilePackets(short, wall)
    times = [t for t, _ in store.pictures()]
    assert 60 < len(times) < 290
    assert store.trouble is not None
    assert str(short) in store.trouble and "last good frame" in store.trouble and "\n" not in store.trouble


def test_a_damaged_stretch_does_not_end_a_file(recording: Path, tmp_path: Path) -> None:
    raw = bytearray(recording.read_bytes())
    start = raw.index(b"mdat") + 5000
    rng = np.random.default_rng(3)
    raw[start : start + 2000] = rng.integers(0, 256, 2000, dtype=np.uint8).tobytes()
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(raw)
    times = [t for t, _ in FilePackets(damaged, wall).pictures()]
    assert len(times) > 75 and times[-1] == pytest.approx(5.96)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("noise.mp4", bytes(range(256)) * 64, "is not a video that can be read"),
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"not a video at all\n" * 30, "is not a video that can be read"),
        (None, None, "no such file"),
    ],
)
def test_what_is_no_video_is_told_in_one_line(
    tmp_path: Path, name: str | None, content: bytes | None, told: str
) -> None:
    path = tmp_path / (name or "nowhere.mp4")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=told) as caught:
        FilePackets(path, wall)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), dtype=np.int16), format="s16", layout="mono")
        frame.rate = 8000
        target.mux(stream.encode(frame))
    with pytest.raises(MediaError, match="has no video"):
        FilePackets(path, wall)


def test_a_file_stands_for_a_camera_at_the_pace_it_was_recorded(tmp_path: Path) -> None:
    path = record(tmp_path / "short.mp4", 1.5)
    changes: list[Change] = []
    got: list[CameraPacket] = []
    link = CameraLink("cam-1", path.as_uri(), got.append, changed=changes.append)
    began = time.monotonic()
    link.run()
    assert time.monotonic() - began >= 1.4
    assert len(got) == 38 and got[-1].t == pytest.approx(1.48)
    assert [change.state for change in changes] == ["live", "lost"]
    assert "ended the stream" in changes[-1].cause
