"""Actors cut from `bus.jpg`, the photograph that comes inside Ultralytics' wheel (AGPL-3.0).

The bus becomes two rectified textures, its left side and its front, which `actors` puts on a box in honest
perspective; what people hide in the photograph is mended from its own mirrored parts. Two of the people become
pictures with an alpha matte: GrabCut seeded by strokes, kept to the largest piece, edges feathered.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import RunError

Picture = NDArray[np.uint8]
Strokes = list[list[tuple[int, int]]]

#: Texture scale, pixels a metre, and the size of the bus in metres.
SCALE = 110
LENGTH, BUS_WIDTH, BUS_HEIGHT = 6.2, 2.1, 2.75
#: Where the wheels are in the texture of the side, px.
_WHEELS = (70, 568)
#: Corners in the photograph, px: upper left, upper right, lower right, lower left of the side and of the front.
_SIDE = [(250.1, 282.1), (798.5, 311.6), (798.5, 660.5), (250.1, 747.9)]
_FRONT = [(42.2, 291.1), (250.1, 282.1), (250.1, 747.9), (13.3, 711.2)]


@dataclass(frozen=True, slots=True)
class Sprite:
    """A cut-out: BGR (H, W, 3) uint8 and its alpha (H, W) uint8."""

    colour: Picture
    alpha: Picture

    def mirrored(self) -> "Sprite":
        """The same, looking the other way."""
        return Sprite(np.ascontiguousarray(self.colour[:, ::-1]), np.ascontiguousarray(self.alpha[:, ::-1]))


def photograph() -> Path:
    """Where Ultralytics' wheel keeps `bus.jpg`, found without importing it. Raises RunError when it is not there."""
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        raise RunError("the demo's photograph comes with the package ultralytics, which is missing - run `make setup`")
    path = Path(spec.origin).parent / "assets" / "bus.jpg"
    if not path.is_file():
        raise RunError(f"{path}: the demo's photograph is missing - reinstall ultralytics (`make setup`)")
    return path


def load_photograph() -> Picture:
    """The photograph, BGR (1080, 810, 3). Raises RunError when it is not the one that the cuts were made for."""
    path = photograph()
    picture = cv2.imread(str(path))
    if picture is None or picture.shape != (1080, 810, 3):
        raise RunError(f"{path}: is not the picture the demo was drawn from - reinstall ultralytics 8.4.190")
    return np.asarray(picture, dtype=np.uint8)


# --- people ---------------------------------------------------------------------------------------------------------

_COAT_BOX = (46, 396, 248, 904)
_COAT_IN: Strokes = [
    [(130, 415), (132, 470), (128, 520), (120, 600), (130, 690)],
    [(80, 520), (75, 640), (85, 680)],
    [(180, 560), (178, 640)],
    [(95, 700), (85, 800), (78, 870), (90, 890)],
    [(155, 700), (175, 780), (185, 850), (205, 880), (232, 882)],
]
_COAT_OUT: Strokes = [
    [(101, 418), (100, 436)],
    [(132, 735), (130, 768)],
    [(122, 750), (140, 760)],
    [(128, 728), (136, 726)],
    [(145, 745), (147, 770)],
    [(66, 715), (68, 740)],
    [(58, 800), (62, 790)],
    [(60, 708), (52, 690)],
    [(184, 598), (182, 612)],
]
_DARK_BOX = (221, 403, 346, 862)
_DARK_IN: Strokes = [
    [(286, 420), (288, 460), (290, 520), (296, 600), (300, 690)],
    [(277, 416), (292, 411)],
    [(262, 540), (246, 640), (250, 690)],
    [(320, 530), (322, 640), (325, 680)],
    [(268, 650), (262, 740), (270, 830), (275, 845)],
    [(310, 700), (290, 770), (287, 800)],
]
_DARK_OUT: Strokes = [
    [(259, 418), (258, 470)],
    [(236, 515), (237, 524)],
    [(326, 570), (326, 585)],
    [(256, 470), (254, 486)],
]


def walkers(photo: Picture) -> tuple[Sprite, Sprite]:
    """The man in the light coat (walks to the right) and the man in the dark coat (walks towards us)."""
    return (
        _cut(photo, _COAT_BOX, _COAT_IN, _COAT_OUT),
        _cut(photo, _DARK_BOX, _DARK_IN, _DARK_OUT),
    )


def _cut(photo: Picture, box: tuple[int, int, int, int], inside: Strokes, outside: Strokes, pad: int = 14) -> Sprite:
    x0, y0 = max(0, box[0] - pad), max(0, box[1] - pad)
    x1, y1 = min(photo.shape[1], box[2] + pad), min(photo.shape[0], box[3] + pad)
    crop = np.ascontiguousarray(photo[y0:y1, x0:x1])
    mask = np.full(crop.shape[:2], cv2.GC_BGD, np.uint8)
    mask[box[1] - y0 : box[3] - y0, box[0] - x0 : box[2] - x0] = cv2.GC_PR_BGD
    for strokes, value, width in ((inside, cv2.GC_PR_FGD, 40), (inside, cv2.GC_FGD, 9), (outside, cv2.GC_BGD, 5)):
        for stroke in strokes:
            cv2.polylines(mask, [np.array(stroke, np.int32) - np.array([x0, y0], np.int32)], False, value, width)
    cv2.setRNGSeed(7)
    cv2.grabCut(crop, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    solid = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    if count > 1:
        solid = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    alpha = cv2.GaussianBlur(cv2.erode(solid * 255, np.ones((3, 3), np.uint8)), (0, 0), 1.1)
    return _trimmed(Sprite(_bled(crop, solid), np.asarray(alpha, dtype=np.uint8)))


def _bled(crop: Picture, solid: Picture) -> Picture:
    """Carry the actor's own colours outwards, so that a soft edge shows no rim of the old background."""
    core = cv2.erode(solid, np.ones((5, 5), np.uint8))
    weight = cv2.GaussianBlur(core.astype(np.float32), (0, 0), 3.0)[..., None]
    near = cv2.GaussianBlur(crop.astype(np.float32) * core[..., None], (0, 0), 3.0) / np.maximum(weight, 1e-3)
    return np.where(core[..., None] > 0, crop, np.clip(near, 0, 255)).astype(np.uint8)


def _trimmed(sprite: Sprite) -> Sprite:
    rows = np.flatnonzero(sprite.alpha.max(axis=1) > 40)
    columns = np.flatnonzero(sprite.alpha.max(axis=0) > 40)
    cut = np.s_[rows[0] : rows[-1] + 1, max(0, columns[0] - 2) : columns[-1] + 3]
    return Sprite(np.ascontiguousarray(sprite.colour[cut]), np.ascontiguousarray(sprite.alpha[cut]))


# --- the bus --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BusSkin:
    """Rectified textures of a bus at SCALE px/m: left side (front at the left), front, and the colour of its roof."""

    side: Sprite
    front: Sprite
    roof: tuple[int, int, int]


def bus_skin(photo: Picture) -> BusSkin:
    """The bus of the photograph, freed of the people and bollards in front of it."""
    size = (int(LENGTH * SCALE), int(BUS_HEIGHT * SCALE))
    side = _mend_side(_rectified(photo, _SIDE, size))
    front = _mend_front(_rectified(photo, _FRONT, (int(BUS_WIDTH * SCALE), size[1])))
    return BusSkin(_with_alpha(side, wheels=_WHEELS), _with_alpha(front, wheels=(24, 207)), (212, 214, 216))


def recoloured(skin: BusSkin, hue: int, saturation: float = 1.0, value: float = 1.0) -> BusSkin:
    """The same bus with its blue paint in another colour (`hue` 0..179 as OpenCV counts)."""

    def paint(sprite: Sprite, rims: tuple[int, ...] = ()) -> Sprite:
        hsv = cv2.cvtColor(sprite.colour, cv2.COLOR_BGR2HSV).astype(np.float32)
        blue = np.exp(-(((hsv[..., 0] - 106) / 12) ** 2)) * np.clip((hsv[..., 1] - 60) / 60, 0, 1)
        for x in rims:
            cv2.circle(blue, (x, 261), 40, 0.0, -1)
        new = hsv.copy()
        new[..., 0] = hue
        new[..., 1] *= saturation
        new[..., 2] *= value
        target = cv2.cvtColor(np.clip(new, 0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR)
        share = blue[..., None]
        mixed = sprite.colour * (1 - share) + target * share
        return Sprite(mixed.astype(np.uint8), sprite.alpha)

    return BusSkin(paint(skin.side, rims=_WHEELS), paint(skin.front), skin.roof)


def _rectified(photo: Picture, corners: list[tuple[float, float]], size: tuple[int, int]) -> Picture:
    width, height = size
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.array(corners, np.float32), target)
    return np.asarray(cv2.warpPerspective(photo, matrix, size, flags=cv2.INTER_AREA), dtype=np.uint8)


def _mend_side(side: Picture) -> Picture:
    out = side.copy()
    _across(out, (178, 255, 218, 302))  # the two bollards
    _across(out, (466, 252, 512, 302))
    _pull(out, (600, 72, 652, 160), column=596)  # the man at the right: glass, then the corner post, then the wheel
    _stretch_down(out, (650, 12, 682, 302), row=62)
    out[150:302, 569:646] = out[150:302, 568:491:-1]
    out[150:302, 646:682] = out[150:302, 645:646]
    _pull(out, (0, 40, 94, 156), column=96)  # the man in dark at the left: glass, panel, wheel
    out[156:302, 0:118] = out[156:302, 120:121]
    wheel = out[190:302, 497:640].copy()
    _feathered(out, wheel, at=(-1, 190), keep_right=96)
    return out


def _mend_front(front: Picture) -> Picture:
    out = front.copy()
    _pull(out, (206, 140, 231, 302), column=203)
    _interpolate(out, (30, 78, 192, 196))
    _pull(out, (0, 196, 192, 302), column=196)
    noise = np.random.default_rng(3).normal(0, 3, out.shape[:2])[..., None]
    out[:] = np.clip(out + noise, 0, 255).astype(np.uint8)
    for x in (26, 205):
        cv2.ellipse(out, (x, 222), (17, 9), 0, 0, 360, (120, 110, 100), -1, cv2.LINE_AA)
        cv2.ellipse(out, (x, 222), (13, 6), 0, 0, 360, (236, 236, 228), -1, cv2.LINE_AA)
    cv2.rectangle(out, (60, 205), (171, 216), (42, 38, 36), -1, cv2.LINE_AA)
    cv2.rectangle(out, (86, 246), (146, 262), (230, 230, 228), -1)
    cv2.rectangle(out, (86, 246), (93, 262), (170, 70, 30), -1)
    cv2.putText(out, "DEMO 2", (96, 259), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (40, 40, 40), 1, cv2.LINE_AA)
    return out


def _across(out: Picture, box: tuple[int, int, int, int]) -> None:
    """Fill a box row by row from its left to its right neighbour."""
    x0, y0, x1, y1 = box
    share = np.linspace(0, 1, x1 - x0)[None, :, None]
    out[y0:y1, x0:x1] = (out[y0:y1, x0 - 1 : x0] * (1 - share) + out[y0:y1, x1 : x1 + 1] * share).astype(np.uint8)


def _interpolate(out: Picture, box: tuple[int, int, int, int]) -> None:
    """As `_across`, with the edge colours smoothed down the rows, for a windscreen."""
    x0, y0, x1, y1 = box
    edges = [out[y0:y1, a:b].mean(axis=1, keepdims=True) for a, b in ((x0 - 8, x0), (x1, x1 + 8))]
    left, right = (cv2.blur(edge.astype(np.float32), (1, 9)).reshape(y1 - y0, 1, 3) for edge in edges)
    share = np.linspace(0, 1, x1 - x0)[None, :, None]
    dark = 1 - 0.35 * np.sin(np.pi * share)
    out[y0:y1, x0:x1] = ((left * (1 - share) + right * share) * dark).astype(np.uint8)


def _pull(out: Picture, box: tuple[int, int, int, int], column: int) -> None:
    """Fill a box with the colours of one column."""
    x0, y0, x1, y1 = box
    out[y0:y1, x0:x1] = out[y0:y1, column : column + 1]


def _stretch_down(out: Picture, box: tuple[int, int, int, int], row: int) -> None:
    """Fill the part of a box below `row` with the colours of that row."""
    x0, _, x1, y1 = box
    out[row:y1, x0:x1] = out[row : row + 1, x0:x1]


def _feathered(out: Picture, patch: Picture, at: tuple[int, int], keep_right: int) -> None:
    """Lay `patch` at (x, y), fading out towards the column `keep_right`, where the photograph itself is good."""
    x0, y0 = at
    patch = patch[:, max(0, -x0) :]
    x0 = max(0, x0)
    share = np.clip((keep_right + 8 - np.arange(x0, x0 + patch.shape[1])) / 16, 0, 1)[None, :, None]
    region = out[y0 : y0 + patch.shape[0], x0 : x0 + patch.shape[1]]
    region[:] = (patch * share + region * (1 - share)).astype(np.uint8)


def _with_alpha(face: Picture, wheels: tuple[int, int], skirt: int = 277) -> Sprite:
    """Nothing of the face below its skirt but the wheels; rounded upper corners."""
    height, width = face.shape[:2]
    alpha = np.zeros((height, width), np.uint8)
    cv2.rectangle(alpha, (0, 16), (width - 1, skirt), 255, -1)
    cv2.rectangle(alpha, (16, 0), (width - 17, 16), 255, -1)
    for x in (16, width - 17):
        cv2.circle(alpha, (x, 16), 16, 255, -1)
    for x in wheels:
        cv2.ellipse(alpha, (x, skirt - 16), (47 if width > 300 else 15, 41), 0, 0, 360, 255, -1)
    return Sprite(face, np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.8), dtype=np.uint8))
