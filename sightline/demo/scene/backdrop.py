"""The empty street: every pixel's ray meets the ground or a wall, and takes the colour of what it met.

Rendered once at twice the size and brought down, so that far paint does not flicker. Colours are BGR 0..255; noise is
seeded, the same street comes out every time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.demo.scene.cutouts import Picture
from sightline.demo.scene.foliage import Tree, plant
from sightline.demo.scene.world import (
    BACK_WALL,
    BAY,
    CARRIAGEWAY,
    CROSS_STREET,
    HEIGHT,
    LANE_LEFT,
    LEFT_WALK,
    NO_PARKING,
    RIGHT_WALK,
    STOP_LINE,
    STRIP,
    STRIP_ENDS,
    WIDTH,
    ZEBRA,
    Pinhole,
)

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Left facade, right facade (from y on), the wall at the end of the street: all planes.
_LEFT_WALL, _RIGHT_WALL, _RIGHT_FROM = LEFT_WALK[0], RIGHT_WALK[1], 34.0
_ASPHALT = np.array([92, 90, 88], np.float32)
_PAVING = np.array([142, 150, 156], np.float32)
_KERB = np.array([168, 172, 172], np.float32)
_PAINT = np.array([222, 226, 226], np.float32)
_YELLOW = np.array([60, 182, 222], np.float32)

TREES = (
    Tree(x=-15.6, y=34.0, height=5.6, spread=1.7, seed=11),
    Tree(x=-15.7, y=46.0, height=6.2, spread=1.9, seed=12),
    Tree(x=-15.6, y=59.0, height=6.0, spread=1.9, seed=13),
    Tree(x=-0.6, y=41.0, height=5.0, spread=1.45, seed=14),
    Tree(x=-0.6, y=54.0, height=5.2, spread=1.5, seed=15),
    Tree(x=-0.6, y=67.0, height=5.2, spread=1.5, seed=16),
    Tree(x=-13.0, y=86.0, height=7.5, spread=2.4, seed=17),
    Tree(x=-3.0, y=86.5, height=7.0, spread=2.2, seed=18),
)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The empty street, BGR (720, 1280, 3), and how far its walls and trees are (m along the optical axis)."""

    picture: Picture
    cover: Floats


def paint_street(photo: Picture) -> Backdrop:
    """The street without anybody in it. The ground covers nobody: its `cover` is infinite."""
    camera = Pinhole(width=WIDTH * 2, height=HEIGHT * 2)
    rays = camera.rays().astype(np.float32)
    picture = _sky(rays)
    depth = np.full(rays.shape[:2], np.inf, np.float32)
    height = np.float32(camera.lens.height)
    _surface(picture, depth, rays, height, axis=1, at=BACK_WALL, paint=lambda a, z: facade(photo, a, z, 5))
    _surface(picture, depth, rays, height, axis=0, at=_LEFT_WALL, paint=lambda a, z: facade(photo, a, z, 1))
    _surface(picture, depth, rays, height, axis=0, at=_RIGHT_WALL, paint=lambda a, z: facade(photo, a, z, 3))
    _surface(picture, depth, rays, height, axis=1, at=_RIGHT_FROM, paint=lambda a, z: facade(photo, a, z, 3) * 0.8)
    cover = depth[::2, ::2].copy()
    _surface(picture, depth, rays, height, axis=2, at=0.0, paint=_ground)
    small = cv2.resize(np.clip(picture, 0, 255), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    far = cv2.resize(np.where(np.isfinite(depth), depth, 200), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    street = _hazed(np.asarray(small, np.float32), np.asarray(far, np.float32))
    for tree in sorted(TREES, key=lambda one: -one.y):
        street = plant(street, cover, tree, Pinhole())
    return Backdrop(np.clip(street, 0, 255).astype(np.uint8), cover)


def _sky(rays: Floats) -> Floats:
    share = np.clip(rays[..., 2] / 0.25, 0, 1)[..., None]
    low, high = np.array([236, 226, 214], np.float32), np.array([226, 190, 152], np.float32)
    return np.asarray(low * (1 - share) + high * share, np.float32)


def _hazed(picture: Floats, depth: Floats) -> Floats:
    share = (1 - np.exp(-depth / 420))[..., None]
    return np.asarray(picture * (1 - share) + np.array([232, 222, 212], np.float32) * share, np.float32)


def _surface(
    picture: Floats,
    depth: Floats,
    rays: Floats,
    height: np.float32,
    *,
    axis: int,
    at: float,
    paint: Callable[[Floats, Floats], Floats],
) -> None:
    """Colour the pixels whose ray meets the plane `axis = at` before anything met so far."""
    start = height if axis == 2 else np.float32(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (np.float32(at) - start) / rays[..., axis]
    hit = (reach > 0) & (reach < depth)
    x, y = rays[..., 0] * reach, rays[..., 1] * reach
    z = height + rays[..., 2] * reach
    if axis != 2:
        hit &= (z > -0.01) & (z < 14)
    if axis == 0:
        hit &= (y < CROSS_STREET[0]) | (y > CROSS_STREET[1])
        hit &= y < BACK_WALL
    if axis == 1 and at == _RIGHT_FROM:
        hit &= x > _RIGHT_WALL
    if axis == 0 and at > -10:
        hit &= y > _RIGHT_FROM
    along = {0: y, 1: x, 2: x}[axis]
    picture[hit] = paint(along[hit], (y if axis == 2 else z)[hit])
    depth[hit] = reach[hit]


# --- the ground -----------------------------------------------------------------------------------------------------


def _ground(x: Floats, y: Floats) -> Floats:
    grain = noise(x, y, 0.035, 1) * 15 + noise(x, y, 0.35, 2) * 8 + noise(x, y, 2.6, 3) * 12
    colour = _ASPHALT + grain[:, None]
    wheel = sum(np.exp(-(((x - centre) / 0.32) ** 2)) for centre in (-9.75, -7.95, -6.5, -4.7))
    colour -= (5.0 * np.asarray(wheel) * (y < CROSS_STREET[0]))[:, None]
    patch = (x > -9.9) & (x < -8.3) & (y > 30) & (y < 34.5)
    colour[patch] -= 9
    seam = (np.abs(x - CARRIAGEWAY[0]) < 0.04) & (y > STRIP_ENDS[0]) & (y < STRIP_ENDS[1])
    colour[seam] -= 16
    _markings(colour, x, y)
    _walks(colour, x, y)
    return _shadows(colour, x, y).astype(np.float32)


def _markings(colour: Floats, x: Floats, y: Floats) -> None:
    on_road = (x > CARRIAGEWAY[0]) & (x < CARRIAGEWAY[1])
    bars = on_road & (y > ZEBRA[0]) & (y < ZEBRA[1]) & (((x - CARRIAGEWAY[0] - 0.3) % 1.0) < 0.5)
    bars &= (x > CARRIAGEWAY[0] + 0.25) & (x < CARRIAGEWAY[1] - 0.4)
    stop = on_road & (y > STOP_LINE) & (y < STOP_LINE + 0.35)
    middle = np.abs(x - LANE_LEFT[1]) < 0.07
    solid = middle & (y > STOP_LINE) & (y < STOP_LINE + 9)
    dashes = middle & (y >= STOP_LINE + 9) & (y < CROSS_STREET[0] - 2) & ((y % 6.0) < 2.4)
    _lay(colour, bars | stop | solid | dashes, x, y, _PAINT)
    _lay(colour, _bay_lines(x, y), x, y, _PAINT)
    kerbside = (np.abs(x - STRIP[0] - 0.22) < 0.07) & (y > NO_PARKING[0]) & (y < NO_PARKING[1] - 0.8)
    zigzag = (np.abs(x - STRIP[0] - 0.5) < 0.07) & (y > NO_PARKING[0]) & (y < NO_PARKING[1] - 0.8)
    _lay(colour, kerbside | zigzag, x, y, _YELLOW)
    for centre in (LANE_LEFT[0] + 1.62, LANE_LEFT[1] + 1.62):
        _lay(colour, _arrow(x - np.float32(centre), y - np.float32(34.0)), x, y, _PAINT)


def _bay_lines(x: Floats, y: Floats) -> Mask:
    inside = (x > STRIP[0]) & (x < STRIP[1] + 0.1) & (y > BAY[0] - 0.06) & (y < BAY[1] + 0.06)
    edge = np.abs(x - STRIP[1]) < 0.06
    ends = (np.abs(y - BAY[0]) < 0.08) | (np.abs(y - BAY[1]) < 0.08)
    letter = (np.abs(x + 11.75) < 0.55) & (np.abs(y - BAY[0] - 0.9) < 0.12)
    return np.asarray(inside & (edge | ends | letter))


def _arrow(x: Floats, y: Floats) -> Mask:
    shaft = (np.abs(x) < 0.09) & (y > -0.6) & (y < 2.2)
    head = (y > -2.0) & (y <= -0.6) & (np.abs(x) < (y + 2.0) * 0.32)
    return np.asarray(shaft | head)


def _lay(colour: Floats, mask: Mask, x: Floats, y: Floats, paint: Floats) -> None:
    """Paint, worn where noise says so."""
    worn = np.clip(0.86 + 0.3 * noise(x[mask], y[mask], 0.12, 4) + 0.2 * noise(x[mask], y[mask], 0.9, 5), 0.25, 0.97)
    grain = noise(x[mask], y[mask], 0.04, 6)[:, None] * 8
    colour[mask] = colour[mask] * (1 - worn[:, None]) + (paint + grain) * worn[:, None]


def _walks(colour: Floats, x: Floats, y: Floats) -> None:
    strip = (y > STRIP_ENDS[0]) & (y < STRIP_ENDS[1])
    kerb_left = np.where(strip, STRIP[0], CARRIAGEWAY[0])
    street = y < CROSS_STREET[0]
    behind = y > CROSS_STREET[1]
    walk = ((x < kerb_left) | (x > CARRIAGEWAY[1])) & street | behind
    joint = ((x % 0.6) < 0.035) | ((y % 0.6) < 0.035)
    tone = noise(np.floor(x / 0.6), np.floor(y / 0.6), 1.0, 7) * 9 + noise(x, y, 0.05, 8) * 8 + noise(x, y, 3.0, 9) * 7
    paving = _PAVING + tone[:, None] - np.where(joint, 20, 0)[:, None]
    colour[walk] = paving[walk]
    edge = (np.minimum(np.abs(x - kerb_left - 0.0), np.abs(x - CARRIAGEWAY[1])) < 0.11) & street
    for end in STRIP_ENDS:
        edge |= (np.abs(y - end) < 0.11) & (x > STRIP[0]) & (x < STRIP[1])
    dropped = (y > ZEBRA[0] - 0.3) & (y < ZEBRA[1] + 0.3)
    colour[edge] = np.where(dropped[edge][:, None], _KERB - 26, _KERB) + noise(x[edge], y[edge], 0.1, 10)[:, None] * 8
    tactile = dropped & (
        ((x < CARRIAGEWAY[0] - 0.2) & (x > CARRIAGEWAY[0] - 0.95))
        | ((x > CARRIAGEWAY[1] + 0.2) & (x < CARRIAGEWAY[1] + 0.95))
    )
    dots = ((x[tactile] % 0.16) < 0.08) & ((y[tactile] % 0.16) < 0.08)
    colour[tactile] = np.array([96, 168, 196], np.float32) + np.where(dots, 12, -6)[:, None]


def _shadows(colour: Floats, x: Floats, y: Floats) -> Floats:
    """Shadows of the trees, dappled, and of the houses at the right over the far end of their pavement."""
    shade = np.zeros_like(x)
    for tree in TREES:
        cx, cy = tree.shadow()
        blob = np.exp(-((((x - cx) / (tree.spread * 1.15)) ** 2 + ((y - cy) / (tree.spread * 1.35)) ** 2) ** 2))
        leaves = np.clip(0.75 + 1.1 * noise(x, y, 0.42, 20 + tree.seed), 0, 1)
        shade = np.maximum(shade, blob * leaves)
        trunk = np.abs((x - tree.x) * 0.77 + (y - tree.y) * 0.64) < 0.12
        way = -(x - tree.x) * 0.64 + (y - tree.y) * 0.77
        shade = np.maximum(shade, (trunk & (way > 0) & (way < tree.height * 0.4)).astype(np.float32))
    house = np.clip((x - _RIGHT_WALL + 1.6) / 0.25, 0, 1) * (y > _RIGHT_FROM + 1.6) * (y < CROSS_STREET[0])
    shade = np.maximum(shade, np.asarray(house, np.float32))
    cool = np.array([0.62, 0.56, 0.52], np.float32)
    return np.asarray(colour * (1 - shade[:, None] * (1 - cool)))


# --- walls ----------------------------------------------------------------------------------------------------------


def facade(photo: Picture, along: Floats, z: Floats, seed: int) -> Floats:
    """A row of houses: shop fronts below, above them storeys of the photograph's own house front."""
    storey, wide = 3.2, 4.3
    tile = _storey(photo)
    upper = z > 3.9
    cell = np.floor(along / wide)
    across = along / wide - cell
    across = np.where(cell.astype(int) % 2 == 0, across, 1 - across)
    up = 1 - ((z - 3.9) / storey) % 1.0
    u = np.clip(across * tile.shape[1], 0, tile.shape[1] - 1).astype(int)
    v = np.clip(up * tile.shape[0], 0, tile.shape[0] - 1).astype(int)
    house = np.floor(along / (wide * 4) + seed * 0.37)
    tints = np.array([[1, 1, 1], [1.16, 1.0, 0.9], [0.86, 0.9, 1.05], [1.1, 1.08, 1.04]], np.float32)
    colour = tile[v, u] * tints[(house.astype(int) + seed) % len(tints)] * 0.86
    colour[~upper] = _shops(along[~upper], z[~upper], seed)
    joint = np.abs(along / (wide * 4) + seed * 0.37 - np.round(along / (wide * 4) + seed * 0.37)) < 0.004
    colour[joint] *= 0.6
    colour[np.abs(z - 3.9) < 0.12] = (150, 160, 168)
    return np.asarray(colour + noise(along, z, 0.2, seed)[:, None] * 5, np.float32)


def _storey(photo: Picture) -> Floats:
    """One storey of the photograph's house, seen from straight ahead: two windows with their balconies."""
    corners = np.array([[108, 14], [424, 80], [424, 240], [108, 236]], np.float32)
    target = np.array([[0, 0], [316, 0], [316, 222], [0, 222]], np.float32)
    tile = cv2.warpPerspective(photo, cv2.getPerspectiveTransform(corners, target), (316, 222), flags=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(tile, (0, 0), 0.8), np.float32)


def _shops(along: Floats, z: Floats, seed: int) -> Floats:
    width = 5.2
    shop = np.floor(along / width).astype(int)
    place = along - shop * width
    colour = np.empty((len(along), 3), np.float32)
    colour[:] = (128, 140, 150)
    signs = np.array([[60, 60, 140], [96, 110, 60], [130, 90, 50], [60, 110, 150], [90, 90, 92]], np.float32)
    glass = (place > 0.5) & (place < 4.7) & (z > 0.45) & (z < 2.75)
    reflection = 34 + 26 * np.clip((z - 0.4) / 2.4, 0, 1) + 22 * noise(along, z, 0.9, seed + 40)
    colour[glass] = reflection[glass][:, None] * np.array([1.05, 1.0, 0.92], np.float32)
    frames = glass & ((np.abs(place - 1.9) < 0.05) | (np.abs(place - 3.3) < 0.05) | (np.abs(z - 2.2) < 0.04))
    colour[frames] = (70, 74, 78)
    board = (place > 0.3) & (place < 4.9) & (z > 2.85) & (z < 3.55)
    colour[board] = signs[(shop[board] * 7 + seed) % len(signs)]
    colour[z < 0.4] *= 0.75
    return colour


def noise(x: Floats, y: Floats, cell: float, seed: int) -> Floats:
    """Smooth seeded noise of the plane, about -1..1, with features of `cell` metres."""
    table = np.random.default_rng(seed).uniform(-1, 1, (256, 256)).astype(np.float32)
    table = np.concatenate([table, table[:1]], axis=0)
    table = np.concatenate([table, table[:, :1]], axis=1)
    u, v = (x / cell) % 256, (y / cell) % 256
    i, j = u.astype(np.int32) % 256, v.astype(np.int32) % 256
    fu, fv = (u - np.floor(u)).astype(np.float32), (v - np.floor(v)).astype(np.float32)
    upper = table[i, j] * (1 - fu) + table[i + 1, j] * fu
    lower = table[i, j + 1] * (1 - fu) + table[i + 1, j + 1] * fu
    return np.asarray(upper * (1 - fv) + lower * fv, np.float32)
