"""Drawing the actors: a bus is a box with the photograph's faces on it, a person a cut-out that walks.

Everything is placed by the pinhole, lit as the street is, casts a shadow along the same sun, and is hidden by what
stands nearer (`Backdrop.cover`). Pictures are BGR uint8 and drawn in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.demo.scene.cutouts import BUS_HEIGHT, BUS_WIDTH, LENGTH, BusSkin, Picture, Sprite
from sightline.demo.scene.motion import Pose
from sightline.demo.scene.world import SUN, Pinhole

Floats = NDArray[np.float64]
Cover = NDArray[np.float32]
_SHADE = np.array([0.58, 0.53, 0.50], np.float32)
_ROOF_POD = (0.55, 4.9, 1.5, 0.34)


@dataclass(frozen=True)
class Texture:
    """A sprite with smaller copies of itself, so that far actors do not glitter."""

    sprite: Sprite

    @cached_property
    def levels(self) -> list[NDArray[np.uint8]]:
        """Premultiplied BGRA, each level half the size of the one before."""
        alpha = self.sprite.alpha[..., None].astype(np.float32) / 255
        full = np.concatenate([self.sprite.colour * alpha, self.sprite.alpha[..., None]], axis=2).astype(np.uint8)
        levels = [full]
        while min(levels[-1].shape[:2]) > 24:
            half = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
            levels.append(np.asarray(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA), np.uint8))
        return levels

    def for_height(self, pixels: float) -> NDArray[np.uint8]:
        """The level whose height is next above `pixels`."""
        for level in reversed(self.levels):
            if level.shape[0] >= pixels:
                return level
        return self.levels[0]


class Stage:
    """A picture being drawn on: the camera, and what covers whom."""

    def __init__(self, picture: Picture, camera: Pinhole, cover: Cover) -> None:
        self.picture, self.camera, self.cover = picture, camera, cover

    def shade(self, ground: Floats, softness: float, strength: float = 1.0) -> None:
        """Darken the ground inside a convex polygon given in world metres (N, 2)."""
        world = np.column_stack([ground, np.zeros(len(ground))])
        hull = cv2.convexHull(self.camera.project(world).astype(np.float32)).reshape(-1, 2)
        box = self._window(hull, int(softness * 3) + 2)
        if box is None:
            return
        x0, y0, x1, y1 = box
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillConvexPoly(mask, np.round((hull - (x0, y0)) * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
        self.darken(cv2.GaussianBlur(mask, (0, 0), softness), (x0, y0), strength)

    def darken(self, mask: NDArray[np.uint8], at: tuple[int, int], strength: float = 1.0) -> None:
        """Put the ground (trees and walls stay as they are) under a shadow mask, upper left corner at `at`."""
        x, y = at
        part = self.picture[y : y + mask.shape[0], x : x + mask.shape[1]]
        ground = np.isinf(self.cover[y : y + mask.shape[0], x : x + mask.shape[1]])
        share = (mask.astype(np.float32) / 255 * strength * ground)[..., None]
        part[:] = (part * (1 - share * (1 - _SHADE))).astype(np.uint8)

    def lay(self, texture: Texture, corners: Floats, depth: float, light: float = 1.0) -> None:
        """Put a texture on a quadrilateral of pixels (upper left, upper right, lower right, lower left)."""
        box = self._window(corners, 1)
        if box is None:
            return
        x0, y0, x1, y1 = box
        image = texture.for_height(float(np.abs(corners[3] - corners[0]).max()))
        height, width = image.shape[:2]
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(source, (corners - (x0, y0)).astype(np.float32))
        drawn = cv2.warpPerspective(image, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        self._over(drawn, (x0, y0), depth, light)

    def fill(self, corners: Floats, colour: Sequence[float], depth: float) -> None:
        """Fill a convex polygon of pixels with one colour."""
        box = self._window(corners, 1)
        if box is None:
            return
        x0, y0, x1, y1 = box
        drawn = np.zeros((y1 - y0, x1 - x0, 4), np.uint8)
        polygon = np.round((corners - (x0, y0)) * 16).astype(np.int32)
        cv2.fillConvexPoly(drawn, polygon, (*colour, 255), cv2.LINE_AA, 4)
        self._over(drawn, (x0, y0), depth, 1.0)

    def _over(self, drawn: NDArray[np.uint8], at: tuple[int, int], depth: float, light: float) -> None:
        x, y = at
        window = np.s_[y : y + drawn.shape[0], x : x + drawn.shape[1]]
        part, seen = self.picture[window], self.cover[window] > depth
        share = drawn[..., 3:].astype(np.float32) * seen[..., None]
        colour = drawn[..., :3] * (light * seen[..., None])
        part[:] = np.minimum(part * (1 - share / 255) + colour, 255).astype(np.uint8)

    def _window(self, points: Floats, margin: int) -> tuple[int, int, int, int] | None:
        x0, y0 = np.floor(points.min(axis=0)).astype(int) - margin
        x1, y1 = np.ceil(points.max(axis=0)).astype(int) + margin
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(self.camera.width, x1), min(self.camera.height, y1)
        return (int(x0), int(y0), int(x1), int(y1)) if x1 > x0 + 1 and y1 > y0 + 1 else None


class Bus:
    """A bus that can be put anywhere on the street."""

    def __init__(self, skin: BusSkin) -> None:
        self._side, self._front, self._roof = Texture(skin.side), Texture(skin.front), skin.roof

    def draw_shadow(self, stage: Stage, pose: Pose) -> None:
        """The cast shadow, and the dark under the body."""
        base = self._ring(pose, 0, LENGTH, BUS_WIDTH)
        stage.shade(np.concatenate([base, base + np.array(SUN) * BUS_HEIGHT]), 1.6, 0.85)
        stage.shade(self._ring(pose, 0.1, LENGTH - 0.2, BUS_WIDTH + 0.1), 2.2, 1.0)
        stage.shade(self._ring(pose, 0.3, LENGTH - 0.6, BUS_WIDTH - 0.3), 3.0, 0.9)

    def draw(self, stage: Stage, pose: Pose) -> None:
        """The body: roof and its pod, left side, front - whichever faces the camera."""
        depth = stage.camera.depth((pose.x, pose.y, 0))
        base, low = self._ring(pose, 0, LENGTH, BUS_WIDTH), 0.12
        bottom = self._pixels(stage, base, 0.0)
        top = self._pixels(stage, base, BUS_HEIGHT)
        roof = self._pixels(stage, base, BUS_HEIGHT - low)
        stage.fill(roof, [part * 0.93 for part in self._roof], depth)
        # Corners run: front left, front right, rear right, rear left.
        if self._faces(pose, (-pose.heading[1], pose.heading[0]), BUS_WIDTH / 2):
            stage.lay(self._side, np.array([top[0], top[3], bottom[3], bottom[0]]), depth, 1.03)
        if self._faces(pose, pose.heading, LENGTH / 2):
            stage.lay(self._front, np.array([top[1], top[0], bottom[0], bottom[1]]), depth, 0.86)
        self._draw_pod(stage, pose, depth)

    def _draw_pod(self, stage: Stage, pose: Pose, depth: float) -> None:
        back, length, width, height = _ROOF_POD
        lower = self._pixels(stage, self._ring(pose, back, length, width), BUS_HEIGHT - 0.08)
        upper = self._pixels(stage, self._ring(pose, back + 0.2, length - 0.4, width - 0.3), BUS_HEIGHT + height)
        stage.fill(np.array([upper[0], upper[3], lower[3], lower[0]]), (190, 192, 194), depth)
        stage.fill(np.array([upper[1], upper[0], lower[0], lower[1]]), (160, 163, 166), depth)
        stage.fill(upper, (222, 224, 226), depth)

    @staticmethod
    def _faces(pose: Pose, normal: tuple[float, float], reach: float) -> bool:
        face = np.array([pose.x, pose.y]) + np.array(normal) * reach
        return float(-face @ np.array(normal)) > 0

    @staticmethod
    def _ring(pose: Pose, back: float, length: float, width: float) -> Floats:
        """A rectangle on the ground, `back` metres behind the front bumper: front left, front right, rear right..."""
        ahead = np.array(pose.heading)
        left = np.array([-ahead[1], ahead[0]]) * width / 2
        front = np.array([pose.x, pose.y]) + ahead * (LENGTH / 2 - back)
        rear = front - ahead * length
        return np.array([front + left, front - left, rear - left, rear + left])

    @staticmethod
    def _pixels(stage: Stage, ring: Floats, z: float) -> Floats:
        return stage.camera.project(np.column_stack([ring, np.full(len(ring), z)]))


class Walker:
    """A person who walks: the legs of the cut-out open and close with each step, the body rises a little."""

    _PHASES = 12

    def __init__(self, sprite: Sprite, height: float) -> None:
        self._height = height
        strides = [self._stride(sprite, phase / self._PHASES) for phase in range(self._PHASES)]
        self._towards_right = [Texture(one) for one in strides]
        self._towards_left = [Texture(one.mirrored()) for one in strides]

    @staticmethod
    def _stride(sprite: Sprite, phase: float) -> Sprite:
        """The cut-out with its legs drawn together as far as the phase of the step says."""
        height, width = sprite.alpha.shape
        rows = np.arange(height, dtype=np.float32) / height
        below = np.clip((rows - 0.56) / 0.44, 0, 1)
        spread = 0.42 + 0.58 * abs(np.cos(np.pi * phase))
        feet = np.flatnonzero(sprite.alpha[int(height * 0.9) :].max(axis=0) > 60)
        hips = np.flatnonzero(sprite.alpha[int(height * 0.55)] > 60)
        middle = (1 - below) * hips.mean() + below * feet.mean()
        scale = 1 - below * (1 - spread)
        u = (np.arange(width, dtype=np.float32)[None, :] - middle[:, None]) / scale[:, None] + middle[:, None]
        v = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
        colour = cv2.remap(sprite.colour, u.astype(np.float32), v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.remap(sprite.alpha, u.astype(np.float32), v, cv2.INTER_LINEAR)
        return Sprite(np.asarray(colour, np.uint8), np.asarray(alpha, np.uint8))

    def _texture(self, walked: float, to_left: bool) -> Texture:
        phase = int(walked / 0.72 * self._PHASES) % self._PHASES
        return (self._towards_left if to_left else self._towards_right)[phase]

    def _upright(self, stage: Stage, x: float, y: float, texture: Texture, lean: tuple[float, float]) -> Floats:
        """Corners in world metres of the cut-out standing at (x, y), its top moved by `lean`."""
        size = texture.sprite.alpha.shape
        half = self._height * size[1] / size[0] / 2
        yaw = np.radians(stage.camera.lens.yaw)
        across = np.array([np.cos(yaw), np.sin(yaw), 0.0]) * half
        foot = np.array([x, y, 0.0])
        top = foot + np.array([lean[0] * self._height, lean[1] * self._height, 0.0])
        return np.array([top - across, top + across, foot + across, foot - across])

    def draw_shadow(self, stage: Stage, x: float, y: float, walked: float, to_left: bool) -> None:
        """The outline laid on the ground along the sun."""
        texture = self._texture(walked, to_left)
        corners = stage.camera.project(self._upright(stage, x, y, texture, SUN))
        x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
        x1 = min(stage.camera.width, int(corners[:, 0].max()) + 3)
        y1 = min(stage.camera.height, int(corners[:, 1].max()) + 3)
        if x1 <= x0 or y1 <= y0:
            return
        alpha = texture.sprite.alpha
        source = np.array([[0, 0], [alpha.shape[1], 0], [alpha.shape[1], alpha.shape[0]], [0, alpha.shape[0]]])
        matrix = cv2.getPerspectiveTransform(source.astype(np.float32), (corners - (x0, y0)).astype(np.float32))
        mask = cv2.warpPerspective(alpha, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_AREA)
        stage.darken(np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.8), np.uint8), (int(x0), int(y0)), 0.95)

    def draw(self, stage: Stage, x: float, y: float, walked: float, to_left: bool) -> None:
        """The person, feet at (x, y) m."""
        texture = self._texture(walked, to_left)
        rise = 0.03 * abs(np.sin(np.pi * walked / 0.72))
        ground = self._upright(stage, x, y, texture, (0.0, 0.0))
        ground[:2, 2] = self._height + rise
        ground[2:, 2] = rise * 0.3
        stage.lay(texture, stage.camera.project(ground), stage.camera.depth((x, y, 0)), 1.0)
