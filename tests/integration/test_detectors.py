"""Every backend is held to one list: real pictures in, boxes of the picture out."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import detect_peers as peers
import numpy as np
import pytest

from contract.errors import ModelError
from edge.detect.boxes import overlaps
from edge.detect.client import RemoteDetector
from edge.detect.open import open_detector
from edge.detect.protocol import Detector, Picture
from edge.frames import BUS, CLASSES, PERSON, VEHICLES

BACKENDS = ["openvino-nanodet", "openvino-yolov8n", "openvino-raw-export", "ultralytics-pt", "remote-nanodet"]
#: What stands in ultralytics/assets/bus.jpg (810 x 1080): measured by eye, the person at the left edge left out.
BUS_BOX = (15, 228, 800, 745)
PEOPLE = ((49, 398, 243, 903), (222, 405, 345, 860), (670, 392, 810, 878))


@pytest.fixture(scope="module", params=BACKENDS)
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Detector]:
    kind = request.param
    if kind == "openvino-nanodet":
        opened = open_detector(peers.nanodet())
    elif kind == "remote-nanodet":
        socket = tmp_path_factory.mktemp("detect") / "d.sock"
        with peers.service(socket, peers.nanodet()):
            remote = RemoteDetector(socket, "cam-1")
            yield remote
            remote.close()
        return
    else:
        weights = request.getfixturevalue("shared") / "weights"
        opened = {
            "openvino-yolov8n": lambda: open_detector(peers.yolov8n(weights)),
            "openvino-raw-export": lambda: open_detector(weights / "yolo11n_int8_openvino_model"),
            "ultralytics-pt": lambda: open_detector(weights / "yolov8n.pt", "ultralytics"),
        }[kind]()
    yield opened
    opened.close()


def box_of(detector: Detector, picture: Picture, wanted: tuple[float, ...], classes: set[int]) -> float:
    """Best overlap of a box of these classes with the box wanted."""
    seen = detector.detect(picture)
    chosen = np.isin(seen.classes, list(classes))
    if not chosen.any():
        return 0.0
    return float(overlaps(np.array([wanted], np.float32), seen.boxes[chosen]).max())


def test_bus_and_people_are_found(detector: Detector) -> None:
    assert box_of(detector, peers.bus(), BUS_BOX, {BUS}) > 0.8
    for person in PEOPLE:
        assert box_of(detector, peers.bus(), person, {PERSON}) > 0.6, person


def test_shapes_order_and_range(detector: Detector) -> None:
    seen = detector.detect(peers.bus())
    high, wide = peers.bus().shape[:2]
    assert seen.boxes.dtype == np.float32
    assert seen.scores.dtype == np.float32
    assert seen.classes.dtype == np.int8
    assert len(seen) >= 4
    assert (np.diff(seen.scores) <= 0).all()
    assert ((seen.scores > 0) & (seen.scores <= 1)).all()
    assert set(seen.classes.tolist()) <= set(range(len(CLASSES)))
    assert (seen.boxes >= 0).all()
    assert (seen.boxes <= [wide, high, wide, high]).all()


@pytest.mark.parametrize("scale", [0.5, 2.6])
def test_boxes_are_of_the_picture_whatever_its_size(detector: Detector, scale: float) -> None:
    """Also 2106 x 2808: a picture far larger than the input."""
    picture = cv2.resize(peers.bus(), None, fx=scale, fy=scale)
    assert box_of(detector, picture, tuple(side * scale for side in BUS_BOX), {BUS}) > 0.8


def test_the_same_picture_gives_the_same_boxes(detector: Detector) -> None:
    one, other = detector.detect(peers.bus()), detector.detect(peers.bus().copy())
    np.testing.assert_array_equal(one.boxes, other.boxes)
    np.testing.assert_array_equal(one.scores, other.scores)


def test_an_empty_street_is_empty(detector: Detector) -> None:
    assert len(detector.detect(np.full((360, 640, 3), 114, np.uint8))) == 0


@pytest.mark.parametrize("shape", [(360, 640), (360, 640, 4), (0, 640, 3)])
def test_what_is_no_picture_is_refused(detector: Detector, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="picture"):
        detector.detect(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="picture"):
        detector.detect(np.zeros((360, 640, 3), np.float32))  # type: ignore[arg-type]
    assert len(detector.detect(peers.bus())) >= 4, "and it still works"


def test_the_model_is_named(detector: Detector) -> None:
    assert detector.model.name
    assert len(detector.model.sha256) == 64


STANDING = [
    ("road_illegal_parking_kevinjoy.mp4", 5.6, 16.2, (281, 168, 345, 214)),
    ("lot_cctv_leaving_prakhar.mp4", 0.0, 27.0, (347, 85, 422, 165)),
    ("lot_cctv_leaving_prakhar.mp4", 0.0, 17.0, (462, 125, 530, 188)),
]


def frames(clip: Path, begin: float, end: float, every: float) -> Iterator[Picture]:
    with av.open(str(clip)) as container:
        due = begin
        for frame in container.decode(container.streams.video[0]):
            if due <= frame.time <= end:
                due = frame.time + every
                yield frame.to_ndarray(format="bgr24")


@pytest.mark.parametrize(("clip", "begin", "end", "box"), STANDING)
def test_a_standing_vehicle_is_seen_in_nearly_every_frame(
    detector: Detector, shared: Path, clip: str, begin: float, end: float, box: tuple[float, ...]
) -> None:
    found = [
        box_of(detector, picture, box, set(VEHICLES)) > 0.4
        for picture in frames(shared / "clips" / clip, begin, end, 1.0)
    ]
    assert len(found) >= 10
    assert np.mean(found) >= 0.95


def test_openvino_never_imports_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from edge.detect.open import open_detector\n"
        "d = open_detector(Path(sys.argv[1])); d.detect(np.zeros((90, 160, 3), np.uint8)); d.close()\n"
        "sys.exit(any(m.split('.')[0] in ('torch', 'ultralytics', 'torchvision') for m in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(peers.nanodet())], cwd=peers.ROOT, timeout=120, check=False)
    assert done.returncode == 0


def test_a_closed_detector_says_so() -> None:
    detector = open_detector(peers.nanodet())
    detector.close()
    detector.close()
    with pytest.raises(ModelError, match="closed"):
        detector.detect(peers.bus())


@pytest.mark.parametrize("ending", ["", "d.close()"])
def test_a_process_that_looked_ends_with_its_own_exit_status(ending: str) -> None:
    """OpenVINO's callback thread must not be caught by the end of the interpreter (it aborts the process)."""
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from edge.detect.open import open_detector\n"
        "ds = [open_detector(Path(sys.argv[1])) for _ in range(2)]\n"
        "for d in ds:\n    d.detect(np.zeros((90, 160, 3), np.uint8))\n"
        f"{ending}\n"
    )
    command = [sys.executable, "-c", code, str(peers.nanodet())]
    statuses = [subprocess.run(command, cwd=peers.ROOT, timeout=120, check=False).returncode for _ in range(6)]
    assert statuses == [0] * 6
