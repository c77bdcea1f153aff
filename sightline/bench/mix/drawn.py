"""The demo's street at 1080p: composed from one photograph that comes in a wheel, for machines without clips.

The empty street is painted at the demo's own size and brought up; buses and people are drawn at 1080p by the same
pinhole. A kerb and a zebra, each with the takes that a filmed street has.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

import cv2
import numpy as np

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.filmed import Light
from sightline.bench.mix.sensor import Sensor
from sightline.bench.mix.view import Window
from sightline.demo.scene.actors import Bus, Stage, Walker
from sightline.demo.scene.backdrop import Backdrop, paint_street
from sightline.demo.scene.cutouts import bus_skin, load_photograph, recoloured, walkers
from sightline.demo.scene.motion import Drive, Walk
from sightline.demo.scene.site import site
from sightline.demo.scene.world import HEIGHT, WIDTH, Pinhole

#: Paint of the buses: as in the photograph, or (hue 0..179, saturation, brightness) of it.
PAINTS: tuple[tuple[int, float, float] | None, ...] = (None, (14, 0.9, 1.15), (2, 0.95, 1.0), (150, 0.55, 0.9))


@dataclass(frozen=True, slots=True)
class OnWheels:
    """A bus: its way, and which of PAINTS it has."""

    drive: Drive
    paint: int


@dataclass(frozen=True, slots=True)
class OnFoot:
    """A person: the way, and which of the photograph's two it is."""

    walk: Walk
    who: int


class DrawnStreet:
    """Draws frames of the demo's street."""

    def __init__(self, light: Light, seed: int) -> None:
        photo = load_photograph()
        small = paint_street(photo)
        picture = cv2.resize(small.picture, Window.SIZE, interpolation=cv2.INTER_LANCZOS4)
        cover = cv2.resize(small.cover, Window.SIZE, interpolation=cv2.INTER_NEAREST)
        self._backdrop = Backdrop(np.asarray(picture, np.uint8), np.asarray(cover, np.float32))
        self._camera = Pinhole(width=Window.SIZE[0], height=Window.SIZE[1])
        skin = bus_skin(photo)
        self._buses = [Bus(skin if paint is None else recoloured(skin, *paint)) for paint in PAINTS]
        self._people = [Walker(sprite, 1.8) for sprite in walkers(photo)]
        # A gain knows 256 answers: looked up, a picture costs 3 ms; multiplied, 14 ms.
        levels = np.arange(256, dtype=np.float32)[:, None] * np.array(light.gains, np.float32)
        self._lit = np.clip(levels, 0, 255).astype(np.uint8)[:, None]
        self._sensor = Sensor(Window.SIZE, light.noise, seed)

    def frame(self, wheels: list[OnWheels], feet: list[OnFoot], t: float, index: int) -> Picture:
        """The street at second `t`: all shadows first, then the bodies from far to near."""
        picture = self._backdrop.picture.copy()
        stage = Stage(picture, self._camera, self._backdrop.cover)
        bodies: list[tuple[float, Callable[[], None]]] = []
        for one in wheels:
            if (pose := one.drive.pose(t)) is not None and pose.y > 3:
                self._buses[one.paint].draw_shadow(stage, pose)
                bodies.append(
                    (stage.camera.depth((pose.x, pose.y, 0)), partial(self._buses[one.paint].draw, stage, pose))
                )
        for person in feet:
            if (step := _step(stage.camera, person.walk, t)) is not None:
                self._people[person.who].draw_shadow(stage, *step)
                bodies.append(
                    (stage.camera.depth((step[0], step[1], 0)), partial(self._people[person.who].draw, stage, *step))
                )
        for _, draw in sorted(bodies, key=itemgetter(0), reverse=True):
            draw()
        return self._sensor.expose(np.asarray(cv2.LUT(picture, self._lit), np.uint8), index)


def drawn_camera(name: str, zones: set[str], permitted_wait_s: float | None = None) -> dict[str, Any]:
    """The demo's camera with its polygons at 1080p, and only the zones wanted."""
    camera = dict(site()["cameras"][0])
    for key in ("id", "url", "direction"):
        camera.pop(key)
    scale = (Window.SIZE[0] / WIDTH, Window.SIZE[1] / HEIGHT)
    camera |= {"name": name, "frame": list(Window.SIZE)}
    camera["ground"] = {**camera["ground"], "image": _scaled(camera["ground"]["image"], scale)}
    camera["lanes"] = [_lane(lane, scale) for lane in camera["lanes"]]
    kept = [dict(zone) for zone in camera["zones"] if zone["id"] in zones]
    for zone in kept:
        for key in ("polygon", "carriageway"):
            if key in zone:
                zone[key] = _scaled(zone[key], scale)
        if "lanes" in zone:
            zone["lanes"] = [_lane(lane, scale) for lane in zone["lanes"]]
        if permitted_wait_s is not None and "permitted_wait_s" in zone:
            zone["permitted_wait_s"] = permitted_wait_s
    return {**camera, "zones": kept}


def _lane(lane: dict[str, Any], scale: tuple[float, float]) -> dict[str, Any]:
    points: dict[str, Any] = {key: _scaled(lane[key], scale) for key in ("polygon", "stop_line") if key in lane}
    return {**lane, **points, "towards": _scaled([lane["towards"]], scale)[0]}


def _scaled(points: list[list[float]], scale: tuple[float, float]) -> list[list[float]]:
    return [[round(x * scale[0], 1), round(y * scale[1], 1)] for x, y in points]


def _step(camera: Pinhole, walk: Walk, t: float) -> tuple[float, float, float, bool] | None:
    """(x, y, metres walked, heads to the left of the picture) of a person at second `t`."""
    here = walk.at(t)
    if here is None:
        return None
    before, after = walk.at(max(walk.points[0][0], t - 0.4)) or here, walk.at(t + 0.2) or here
    return (*here, camera.ground_pixel(after[0], after[1])[0] < camera.ground_pixel(before[0], before[1])[0])
