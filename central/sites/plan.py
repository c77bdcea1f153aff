"""A place seen from above, as its site file has it: zones, lanes and stop lines on the road plane, and the vehicle.

Metres, turned so that up leads away from the camera; the origin is that of the site's own ground points. Without ground
points nobody knows metres, and there is no plan. The road plane is fitted by a homography over all of the points (least
squares, OpenCV).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from contract.events import Violation
from contract.site import Camera, Site

Points = tuple[tuple[float, float], ...]
#: What lies further from the middle of the ground points than this many times their extent is the horizon's.
_FAR = 6.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Something drawn on the road: `kind` is a zone's type, `lane`, `stop_line` or `carriageway`. Metres."""

    kind: str
    name: str
    points: Points


@dataclass(frozen=True, slots=True)
class Plan:
    """The place from above, in metres, y away from the camera. `vehicle`: the middle of its lower edge at t2."""

    shapes: tuple[Shape, ...]
    vehicle: tuple[float, float] | None

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Least and greatest x and y of all that is drawn."""
        drawn = [point for shape in self.shapes for point in shape.points]
        drawn += [self.vehicle] if self.vehicle else []
        xs, ys = [x for x, _ in drawn], [y for _, y in drawn]
        return min(xs), min(ys), max(xs), max(ys)


def plan_of(raw: bytes, data: Violation) -> Plan | None:
    """The plan of the camera that decided `data`, from the bytes of a site file that held when it was registered."""
    camera = _cameras(raw).get(data.camera_id)
    if camera is None or camera.ground is None:
        return None
    road = _Road(camera)
    shapes = tuple(shape for shape in _shapes(camera, data, road) if shape.points)
    if not shapes:
        return None
    box = data.geometry.boxes.get("trigger")
    foot = road.of([((box[0] + box[2]) / 2, box[3])]) if box and data.geometry.frame == camera.frame else ()
    return Plan(shapes, foot[0] if foot else None)


def _shapes(camera: Camera, data: Violation, road: "_Road") -> Iterator[Shape]:
    for lane in camera.lanes:
        yield Shape("lane", lane.id, road.of(lane.polygon))
    for zone in camera.zones:
        if zone.type in {"privacy_mask", "ignore", "count"}:
            continue
        yield Shape("accused" if zone.id == data.zone_id else zone.type, zone.id, road.of(zone.polygon))
        for strip in zone.lanes:
            yield Shape("lane", strip.id, road.of(strip.polygon))
            if strip.stop_line is not None:
                yield Shape("stop_line", strip.id, road.of(strip.stop_line))


class _Road:
    """Pixels of a camera on its road plane."""

    def __init__(self, camera: Camera) -> None:
        ground = camera.ground
        if ground is None:
            raise ValueError("the camera has no ground points")
        image, metres = np.array(ground.image, np.float64), np.array(ground.metres, np.float64)
        found, _ = cv2.findHomography(image, metres, 0)
        self._to_road: NDArray[np.float64] | None = found
        self._middle = metres.mean(axis=0)
        self._reach = _FAR * float(np.ptp(metres, axis=0).max())
        self._side = float(np.sign(self._depth(image.mean(axis=0)))) if found is not None else 0.0
        self._turn = self._away(image)

    def of(self, pixels: Sequence[tuple[float, float]]) -> Points:
        """These pixels in metres; nothing where one of them lies beyond the horizon."""
        if self._to_road is None or any(self._depth(np.array(one)) * self._side <= 0 for one in pixels):
            return ()
        plane = self._plane(np.array(pixels, np.float64))
        if np.abs(plane - self._middle).max() > self._reach:
            return ()
        return tuple(
            (round(float(x), 2) + 0.0, round(float(y), 2) + 0.0) for x, y in (plane - self._middle) @ self._turn.T
        )

    def _plane(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.perspectiveTransform(pixels.reshape(-1, 1, 2), self._to_road)).reshape(-1, 2)

    def _depth(self, pixel: NDArray[np.float64]) -> float:
        row = np.zeros(3) if self._to_road is None else self._to_road[2]
        return float(row[0] * pixel[0] + row[1] * pixel[1] + row[2])

    def _away(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        """The turn that has the camera's own direction of view point up."""
        if self._to_road is None:
            return np.eye(2)
        middle = image[:, 0].mean()
        near, far = self._plane(np.array([[middle, image[:, 1].max()], [middle, image[:, 1].min()]]))
        angle = math.pi / 2 - math.atan2(far[1] - near[1], far[0] - near[0])
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        # A site may count its metres clockwise: then left would be right.
        left, right = self._plane(
            np.array([[image[:, 0].min(), image[:, 1].max()], [image[:, 0].max(), image[:, 1].max()]])
        )
        return turn if ((right - left) @ turn.T)[0] >= 0 else np.array([[-1.0, 0.0], [0.0, 1.0]]) @ turn


@lru_cache(maxsize=200)
def _cameras(raw: bytes) -> dict[str, Camera]:
    site = Site.model_validate(yaml.safe_load(raw))
    return {camera.id: camera for camera in site.cameras}


__all__ = ["Plan", "Shape", "plan_of"]
