"""The catalogue says of each detector what a person needs to know; the agreement counts what it says."""

import numpy as np
import pytest

from contract.errors import ModelError
from contract.events import ModelRef
from edge.detect.protocol import Picture
from edge.frames import CAR, CLASSES, PERSON, Detections
from models.agreement import agree
from models.catalogue import catalogue


def test_every_detector_has_licence_source_and_hash() -> None:
    for entry in catalogue().detectors:
        assert entry.licence in {"AGPL-3.0", "MIT"}
        assert entry.source
        assert entry.sha256 or entry.files, entry.name
        assert entry.classes in catalogue().classes
        assert all(side % 32 == 0 for size in entry.inputs for side in size)


def test_traffic_detectors_come_best_first_and_know_our_classes() -> None:
    traffic = catalogue().traffic()
    assert [entry.name for entry in traffic] == ["yolo11n", "yolo11n_int8_openvino_model", "yolov8n", "nanodet"]
    assert set(CLASSES) <= set(catalogue().classes["coco"])
    assert len(catalogue().classes["coco"]) == 80


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ModelError, match=r"'yolo99' is not in the catalogue - known are yolo11n,.*nanodet"):
        catalogue().entry("yolo99")


def seen(*rows: tuple[tuple[float, ...], float, int]) -> Detections:
    return Detections(
        np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[1] for row in rows], np.float32),
        np.array([row[2] for row in rows], np.int8),
    )


class Recorded:
    """Boxes as a detector once gave them, one list a picture."""

    def __init__(self, *answers: Detections) -> None:
        self._answers = list(answers)
        self.model = ModelRef(name="recorded", version="1", sha256="0" * 64)

    def detect(self, picture: Picture) -> Detections:
        return self._answers.pop(0)

    def close(self) -> None:
        self._answers.clear()


BLANK = np.zeros((4, 4, 3), np.uint8)
A, B, C = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (40.0, 0.0, 50.0, 10.0)


def test_agreement_counts_found_missed_and_invented() -> None:
    original = Recorded(seen((A, 0.9, CAR), (B, 0.8, PERSON), (C, 0.1, CAR)), seen((A, 0.5, CAR)))
    export = Recorded(seen((A, 0.8, CAR), (B, 0.8, CAR)), seen((A, 0.2, CAR), (C, 0.9, CAR)))
    found = agree(original, export, [BLANK, BLANK], "original")
    assert found.frames == 2
    assert found.reference_boxes == 3
    assert found.recall == pytest.approx(2 / 3, abs=1e-3), "another class is a miss, half the score is still a find"
    assert found.precision == pytest.approx(1 / 3, abs=1e-3), "boxes that the original lacks are invented"
    assert found.mean_iou == 1.0


def test_one_box_is_not_found_twice() -> None:
    near = (0.0, 0.0, 10.0, 9.0)
    found = agree(Recorded(seen((A, 0.9, CAR), (near, 0.8, CAR))), Recorded(seen((A, 0.9, CAR))), [BLANK], "original")
    assert found.recall == 0.5
