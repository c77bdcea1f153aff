"""A drawn road (1080, 1920) luma with textured asphalt, markings, a kerb, trees and cars, to try the change gate on."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

FRAME = (1920, 1080)
#: A kerb strip near the camera, one farther off, and one at the far end of the road [px].
NEAR = [(250.0, 620.0), (900.0, 560.0), (1000.0, 700.0), (260.0, 860.0)]
MIDDLE = [(1100.0, 420.0), (1420.0, 400.0), (1500.0, 500.0), (1150.0, 530.0)]
FAR = [(900.0, 262.0), (1060.0, 258.0), (1075.0, 282.0), (905.0, 288.0)]
ZONES = (NEAR, MIDDLE, FAR)


@cache
def _road() -> Gray:
    rng = np.random.default_rng(11)
    width, height = FRAME
    coarse = cv2.resize(rng.normal(0, 9, (27, 48)).astype(np.float32), FRAME, interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(rng.normal(0, 10, (height, width)).astype(np.float32), (0, 0), 1.5)
    ground = 105 + coarse + fine
    ground[:230] = (
        150
        + 4 * fine[:230]
        + cv2.resize(rng.normal(0, 25, (23, 192)).astype(np.float32), (width, 230), interpolation=cv2.INTER_LINEAR)
    )
    picture = np.clip(ground, 0, 255).astype(np.uint8)
    for x in range(100, width, 260):
        cv2.line(picture, (x, 1000), (x + 140, 975), 200, 10, cv2.LINE_AA)
    cv2.line(picture, (0, 560), (width, 330), 175, 8, cv2.LINE_AA)
    cv2.line(picture, (0, 900), (1200, 540), 185, 6, cv2.LINE_AA)
    for x in range(60, width, 300):
        cv2.rectangle(picture, (x, 60), (x + 26, 330), int(rng.integers(40, 80)), -1)
    return picture


def road() -> Gray:
    """The road with nobody on it."""
    return _road().copy()


def car(luma: Gray, x: float, y: float, width: float, seed: int = 1, level: int = 60) -> Gray:
    """A copy with a car whose wheels touch the road at (x .. x + width, y): body, windows, lamps, plate, shadow.

    `seed` is the make: same `level`, other lines.
    """
    rng = np.random.default_rng(seed)
    out = luma.copy()
    height = width * (0.72 + 0.1 * rng.random())

    def part(x1: float, y1: float, x2: float, y2: float, gray: float) -> None:
        corners = (round(x + x1 * width), round(y - y1 * height)), (round(x + x2 * width), round(y - y2 * height))
        cv2.rectangle(out, *corners, int(np.clip(gray, 0, 255)), -1, cv2.LINE_AA)

    roof = 0.12 + 0.12 * rng.random()
    belt = 0.5 + 0.12 * rng.random()
    part(-0.02, 0.06, 1.02, -0.03, 30)
    part(0.0, belt, 1.0, 0.05, level)
    part(roof, 1.0, 1.0 - roof, belt, level - 8)
    part(roof + 0.05, 0.94, 1.0 - roof - 0.05, belt + 0.03, level * 0.5 + 40 * rng.random())
    lamp = 0.2 + 0.15 * rng.random()
    for left in (0.03, 0.97 - lamp * 0.5):
        part(left, belt - 0.06, left + lamp * 0.5, belt - 0.16 - 0.08 * rng.random(), level + 70)
    part(0.36, 0.2 + 0.08 * rng.random(), 0.64, 0.1, 190)
    part(0.05, 0.06, 0.2, -0.02, 20)
    part(0.8, 0.06, 0.95, -0.02, 20)
    return out


__all__ = ["FAR", "FRAME", "MIDDLE", "NEAR", "ZONES", "car", "road"]
