"""Street trees: a trunk and clusters of leaves, lit from the side where the sun stands."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.demo.scene.world import SUN, Pinhole

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tree:
    """Where a tree stands (m), its height and the radius of its crown (m)."""

    x: float
    y: float
    height: float
    spread: float
    seed: int

    def shadow(self) -> tuple[float, float]:
        """Where the middle of the crown's shadow falls on the ground, m."""
        crown = self.height * 0.7
        return self.x + SUN[0] * crown, self.y + SUN[1] * crown


def plant(street: Floats, cover: Floats, tree: Tree, camera: Pinhole) -> Floats:
    """The street with one more tree, drawn at four times the size and brought down; `cover` learns its distance."""
    foot = np.array(camera.ground_pixel(tree.x, tree.y))
    top = np.array(camera.ground_pixel(tree.x, tree.y, tree.height))
    metre = float(foot[1] - top[1]) / tree.height
    half = int(tree.spread * metre * 1.5) + 4
    x0, x1 = int(foot[0]) - half, int(foot[0]) + half
    y0, y1 = int(top[1]) - half // 3, int(foot[1]) + 4
    zoom = 4
    layer = np.zeros(((y1 - y0) * zoom, (x1 - x0) * zoom, 4), np.uint8)
    _draw(layer, tree, (foot - (x0, y0)) * zoom, metre * zoom)
    small = cv2.resize(layer, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA).astype(np.float32)
    left, right, upper, lower = max(0, x0), min(street.shape[1], x1), max(0, y0), min(street.shape[0], y1)
    if left >= right or upper >= lower:
        return street
    part = small[upper - y0 : lower - y0, left - x0 : right - x0]
    share = part[..., 3:] / 255
    colour = part[..., :3] / np.maximum(share, 1e-3)
    out = street.copy()
    out[upper:lower, left:right] = out[upper:lower, left:right] * (1 - share) + np.minimum(colour, 255) * share
    distance = np.float32(camera.depth((tree.x, tree.y, 0)))
    near = cover[upper:lower, left:right]
    near[:] = np.where(share[..., 0] > 0.5, np.minimum(near, distance), near)
    return out


def _draw(layer: NDArray[np.uint8], tree: Tree, foot: NDArray[np.float64], metre: float) -> None:
    rng = np.random.default_rng(tree.seed)
    fork = foot - (0, tree.height * 0.55 * metre)
    thick = max(2, int(0.22 * metre))
    cv2.line(layer, _at(foot), _at(fork), (52, 62, 74, 255), thick, cv2.LINE_AA)
    for side in (-0.5, 0.1, 0.55):
        tip = fork + np.array([side * tree.spread * metre, -0.16 * tree.height * metre])
        cv2.line(layer, _at(fork), _at(tip), (48, 58, 70, 255), max(1, thick // 2), cv2.LINE_AA)
    middle = foot - (0, tree.height * 0.70 * metre)
    spots = rng.normal(0, (0.42, 0.34), (900, 2))
    spots = spots[np.hypot(*spots.T) < 1.0]
    order = np.argsort(-(spots[:, 1] - spots[:, 0] * 0.6))
    for dx, dy in spots[order]:
        light = np.clip(0.55 + 0.45 * (dx * 0.55 - dy * 0.9) + rng.normal(0, 0.14), 0.15, 1.15)
        colour = np.clip(np.array([62, 128, 104]) * light + rng.normal(0, 6, 3), 0, 255)
        centre = middle + np.array([dx * tree.spread * metre, dy * tree.height * 0.34 * metre])
        size = (max(1, int(metre * rng.uniform(0.07, 0.17))), max(1, int(metre * rng.uniform(0.05, 0.11))))
        paint = (*(float(part) for part in colour), 255.0)
        cv2.ellipse(layer, _at(centre), size, float(rng.uniform(0, 180)), 0, 360, paint, -1, cv2.LINE_AA)


def _at(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
