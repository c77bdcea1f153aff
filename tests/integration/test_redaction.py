"""What a copy must not show: real photographs of people and of cars, real finders."""

import json
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from central.redaction.blur import within
from central.redaction.faces import CenterFace, YuNet
from central.redaction.finder import Box, Picture
from central.redaction.redactor import Redactor
from central.redaction.video import redact_video
from contract.errors import InputError, MediaError, ModelError
from contract.plates import load_plates
from contract.sealing import sha256_hex
from edge.plates.china import ChinaPlateReader
from edge.plates.detector import PlateDetector
from edge.plates.protocol import Unreadable
from models.bundles import prepare
from sightline.commands.evidence import app
from sightline.redacting import OwnPlate, TiledPlates, redactor
from tests.bench.plates import picture

#: Where the faces are that a person sees: x, y of their middle.
FACES = {"bus.jpg": [(134, 443), (288, 450)], "zidane.jpg": [(982, 186), (612, 345)]}
YUNET = "face_detection_yunet_2026may.onnx"


@pytest.fixture(scope="module")
def faces() -> CenterFace:
    return CenterFace(prepare("faces", lambda _: None) / "centerface.onnx")


@pytest.fixture(scope="module")
def plates() -> Path:
    return prepare("plates-cn", lambda _: None)


@pytest.fixture(scope="module")
def tiled(plates: Path) -> TiledPlates:
    return TiledPlates(PlateDetector(plates / "detector.onnx", 0.3))


@pytest.fixture(scope="module")
def reader(plates: Path) -> ChinaPlateReader:
    return ChinaPlateReader(plates, load_plates("cn").alphabet)


def photograph(name: str) -> Picture:
    """One of the pictures in Ultralytics' wheel."""
    spec = find_spec("ultralytics")
    assert spec is not None and spec.origin is not None
    return picture(Path(spec.origin).parent / "assets" / name)


def car(shared: Path, plate: str) -> Picture:
    folder = shared / "plates" / "photos"
    names = {truth: name for name, truth in json.loads((folder / "truth.json").read_text(encoding="utf-8")).items()}
    return picture(folder / names[plate])


def covers(boxes: list[Box], x: float, y: float) -> bool:
    return any(box[0] < x < box[2] and box[1] < y < box[3] for box in boxes)


def unchanged_outside(original: Picture, copy: Picture, boxes: list[Box]) -> bool:
    outside = np.ones(original.shape[:2], bool)
    for box in boxes:
        left, top, right, bottom = within(original, box)
        outside[top:bottom, left:right] = False
    return bool(outside.mean() > 0.5 and (original[outside] == copy[outside]).all())


@pytest.mark.parametrize("name", ["bus.jpg", "zidane.jpg"])
def test_every_face_is_blurred_and_nothing_else(name: str, faces: CenterFace) -> None:
    original = photograph(name)
    before = original.copy()
    done = Redactor([faces]).picture(original)
    assert all(covers(done.boxes, x, y) for x, y in FACES[name])
    assert faces.find(done.picture) == []
    assert unchanged_outside(original, done.picture, done.boxes)
    assert (original == before).all()


@pytest.mark.parametrize("name", ["bus.jpg", "zidane.jpg"])
def test_another_finder_finds_no_face_in_the_copy(name: str, faces: CenterFace, shared: Path) -> None:
    other = YuNet(shared / "weights" / YUNET, score=0.5)
    original = photograph(name)
    assert all(covers(other.find(original), x, y) for x, y in FACES[name])
    left = other.find(Redactor([faces]).picture(original).picture)
    assert [face for face in FACES[name] if covers(left, *face)] == []
    both = Redactor([faces, other]).picture(original)
    assert other.find(both.picture) == [] == faces.find(both.picture)


def test_small_faces_in_a_large_picture_are_found(faces: CenterFace) -> None:
    scene = np.full((1080, 1920, 3), 100, np.uint8)
    small = cv2.resize(photograph("bus.jpg"), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)  # faces of 16 px
    scene[300 : 300 + small.shape[0], 700 : 700 + small.shape[1]] = small
    boxes = Redactor([faces]).boxes(scene)
    assert all(covers(boxes, 700 + 0.4 * x, 300 + 0.4 * y) for x, y in FACES["bus.jpg"])


def test_the_accused_plate_stays_and_the_others_go(
    shared: Path, faces: CenterFace, tiled: TiledPlates, reader: ChinaPlateReader
) -> None:
    both = np.hstack([car(shared, "皖A195K9"), car(shared, "皖AMK620")])
    left, right = (0.0, 0.0, 720.0, 1160.0), (720.0, 0.0, 1440.0, 1160.0)
    done = Redactor([faces], [tiled], OwnPlate(reader)).picture(both, left, "皖A195K9")
    kept = reader.read(done.picture, left)
    assert kept.text == "皖A195K9"
    assert unchanged_outside(both, done.picture, done.boxes)
    assert not covers(done.boxes, (kept.box[0] + kept.box[2]) / 2, (kept.box[1] + kept.box[3]) / 2)
    assert reads(reader, done.picture, right) != "皖AMK620"
    nobody = Redactor([faces], [tiled]).picture(both)
    for box, plate in ((left, "皖A195K9"), (right, "皖AMK620")):
        assert reads(reader, nobody.picture, box) != plate


def reads(reader: ChinaPlateReader, shown: Picture, box: Box) -> str:
    try:
        return reader.read(shown, box).text
    except Unreadable:
        return ""


def test_where_it_is_open_whose_plate_it_is_all_go(shared: Path, faces: CenterFace, tiled: TiledPlates) -> None:
    both = np.hstack([car(shared, "皖A195K9"), car(shared, "皖AMK620")])
    whole = (0.0, 0.0, 1440.0, 1160.0)
    boxes = Redactor([faces], [tiled]).boxes(both, accused=whole)
    assert covers(boxes, 390, 540) and covers(boxes, 720 + 328, 534)


def test_a_redactor_without_a_finder_of_faces_is_refused() -> None:
    with pytest.raises(ValueError, match="finder of faces"):
        Redactor([])


def test_weights_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    for finder in (CenterFace, YuNet):
        with pytest.raises(ModelError):
            finder(tmp_path / "x.onnx")


def filmed(path: Path, stills: list[Picture], fps: int = 5) -> Path:
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "14"})
        stream.width, stream.height, stream.pix_fmt = stills[0].shape[1], stills[0].shape[0], "yuv420p"
        for index, still in enumerate(stills):
            frame = av.VideoFrame.from_ndarray(still, format="bgr24")
            frame.pts = index + (index > 4)  # a picture was lost: times are not even
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def decoded(path: Path) -> list[tuple[float, Picture]]:
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A walk of the camera along zidane.jpg, half its size; eight pictures."""
    half = cv2.resize(photograph("zidane.jpg"), (640, 360), interpolation=cv2.INTER_AREA)
    return filmed(tmp_path / "clip.mp4", [np.roll(half, -6 * index, axis=1) for index in range(8)])


def test_a_clip_is_redacted_picture_for_picture(clip: Path, tmp_path: Path, faces: CenterFace) -> None:
    before = sha256_hex(clip.read_bytes())
    heard: list[tuple[float, float]] = []
    count = redact_video(clip, tmp_path / "copy.mp4", Redactor([faces]), progress=lambda *one: heard.append(one))
    original, copy = decoded(clip), decoded(tmp_path / "copy.mp4")
    assert count == len(copy) == len(original) == 8
    assert [t for t, _ in copy] == pytest.approx([t for t, _ in original], abs=0.002)
    assert any(faces.find(shown) for _, shown in original)
    assert [faces.find(shown) for _, shown in copy] == [[]] * 8
    assert sha256_hex(clip.read_bytes()) == before
    assert [one < two for (one, _), (two, _) in pairwise(heard)] == [True] * 7
    assert heard[-1][0] == pytest.approx(original[-1][0], abs=0.01)


class Forgetful:
    """A finder that sees nothing in every second picture: what a real one does with a face that turns."""

    def __init__(self) -> None:
        self.looks = 0

    def find(self, picture: Picture) -> list[Box]:
        self.looks += 1
        return [(100.0, 50.0, 200.0, 150.0)] if self.looks % 3 == 1 else []


def test_a_face_missed_for_a_moment_stays_blurred(clip: Path, tmp_path: Path) -> None:
    redact_video(clip, tmp_path / "copy.mp4", Redactor([Forgetful()]))
    # The box grown by a quarter is three squares of 50 px across; within one of them there is nothing to see.
    flat = [float(shown[80:120, 130:170].std(axis=(0, 1)).max()) for _, shown in decoded(tmp_path / "copy.mp4")]
    assert max(flat) < 4 and len(flat) == 8
    assert min(float(shown[80:120, 130:170].std(axis=(0, 1)).max()) for _, shown in decoded(clip)) > 4


def test_what_is_no_video_leaves_nothing(tmp_path: Path, faces: CenterFace) -> None:
    (tmp_path / "no.mp4").write_bytes(b"not a video")
    with pytest.raises(MediaError, match=r"no\.mp4: cannot be redacted"):
        redact_video(tmp_path / "no.mp4", tmp_path / "copy.mp4", Redactor([faces]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["no.mp4"]


def test_the_command_writes_a_copy_and_never_over_anything(tmp_path: Path, plates: Path, faces: CenterFace) -> None:
    original, copy = tmp_path / "bus.png", tmp_path / "copy.png"
    cv2.imwrite(str(original), photograph("bus.jpg"))
    assert redactor().boxes(photograph("bus.jpg"))
    run = CliRunner().invoke(app, ["redact", str(original), str(copy)])
    assert run.exit_code == 0, run.output
    assert faces.find(picture(copy)) == []
    again = CliRunner().invoke(app, ["redact", str(original), str(copy)])
    assert isinstance(again.exception, InputError) and "is there already" in str(again.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bus.png", "copy.png"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["bus.png", "copy.mp4"], "a still becomes"),
        (["gone.png", "copy.png"], "cannot be read"),
        (["gone.mp4", "copy.mp4"], "is not there"),
        (["empty.jpg", "copy.jpg"], "is no picture"),
        (["bus.png", "copy.png", "--accused", "1,2,3"], "is not X1,Y1,X2,Y2"),
        (["bus.png", "copy.png", "--accused", "5,2,3,8"], "is empty"),
        (["bus.png", "nowhere/copy.png"], "is no folder"),
    ],
)
def test_wrong_input_is_told_in_one_line(tmp_path: Path, names: list[str], said: str) -> None:
    cv2.imwrite(str(tmp_path / "bus.png"), np.zeros((40, 40, 3), np.uint8))
    (tmp_path / "empty.jpg").write_bytes(b"")
    run = CliRunner().invoke(app, ["redact", *(str(tmp_path / name) for name in names[:2]), *names[2:]])
    assert isinstance(run.exception, InputError)
    assert said in str(run.exception) and "\n" not in str(run.exception)
    assert not (tmp_path / names[1]).exists()
