"""The part of a picture that a detection is asked of: where it is, what it shows, and where its boxes belong."""

import av
import cv2
import numpy as np
import pytest

from edge.frames import Detections
from edge.plan.crop import Crop

FRAME = (1920, 1080)
FAR = [(900.0, 262.0), (1060.0, 258.0), (1075.0, 282.0), (905.0, 288.0)]


def picture() -> np.ndarray:
    """1920 x 1080 BGR with a red box at (950, 230, 1010, 280) on grey."""
    image = np.full((1080, 1920, 3), 110, np.uint8)
    cv2.rectangle(image, (950, 230), (1009, 279), (40, 40, 220), -1)
    return image


def frame(pixels: str) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture(), format="bgr24").reformat(format=pixels)


def red(image: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((image[..., 2] > 170) & (image[..., 1] < 90))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_a_far_zone_is_cut_out_with_what_stands_in_it() -> None:
    crop = Crop.around([FAR], FRAME)
    assert crop is not None
    assert crop.left <= 900 - 40 and crop.left + crop.width >= 1075 + 40
    assert crop.top <= 258 - 80, "what stands there rises above its zone"
    assert crop.top + crop.height >= 288 + 40


def test_zones_all_over_the_picture_are_looked_at_whole() -> None:
    assert Crop.around([FAR, [(100.0, 900.0), (300.0, 900.0), (300.0, 1000.0)]], FRAME) is None
    assert Crop.around([], FRAME) is None


def test_a_zone_at_the_border_is_cut_inside_the_picture() -> None:
    crop = Crop.around([[(1800.0, 1000.0), (1920.0, 1000.0), (1920.0, 1080.0), (1800.0, 1080.0)]], FRAME)
    assert crop is not None
    assert crop.left + crop.width == 1920
    assert crop.top + crop.height == 1080


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "nv12", "bgr24"])
@pytest.mark.parametrize("size", [(640, 640), (320, 320)])
def test_boxes_found_in_the_cut_are_put_where_they_are(pixels: str, size: tuple[int, int]) -> None:
    crop = Crop.around([FAR], FRAME)
    assert crop is not None
    cut = crop.cut(frame(pixels), size)
    assert cut.shape[1] <= size[0] and cut.shape[0] <= size[1]
    assert cut.shape[1] == size[0] or cut.shape[1] == pytest.approx(2 * crop.width, abs=4)
    scale = np.array([FRAME[0] / cut.shape[1], FRAME[1] / cut.shape[0]] * 2, np.float32)
    as_whole = (np.array([red(cut)], np.float32) * scale).astype(np.float32)
    found = crop.back(Detections(as_whole, np.array([0.9], np.float32), np.array([3], np.int8)))
    assert np.abs(found.boxes[0] - (950, 230, 1010, 280)).max() <= 3.0


def test_colours_are_those_of_the_whole_picture() -> None:
    crop = Crop.around([FAR], FRAME)
    assert crop is not None
    whole = frame("yuv420p").to_ndarray(format="bgr24")
    cut = crop.cut(frame("yuv420p"), (640, 640))
    x1, y1, x2, y2 = red(cut)
    inside = (
        cut[(y1 + y2) // 2 - 5 : (y1 + y2) // 2 + 5, (x1 + x2) // 2 - 5 : (x1 + x2) // 2 + 5]
        .reshape(-1, 3)
        .mean(axis=0)
    )
    assert np.abs(inside - whole[250:260, 975:985].reshape(-1, 3).mean(axis=0)).max() < 4


def test_a_stream_of_another_size_is_cut_at_the_same_place() -> None:
    crop = Crop.around([FAR], FRAME)
    assert crop is not None
    small = frame("yuv420p").reformat(width=1280, height=720)
    cut = crop.cut(small, (640, 640))
    x1, _, _, y2 = red(cut)
    assert x1 / cut.shape[1] * crop.width + crop.left == pytest.approx(950, abs=4)
    assert y2 / cut.shape[0] * crop.height + crop.top == pytest.approx(280, abs=4)
