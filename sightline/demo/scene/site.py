"""The demo's site file, drawn by the scene's own pinhole: what a surveyor would have measured, without his errors.

`python -m sightline.demo.scene.site` writes `configs/sites/demo.yaml`; a test holds the file to this.
"""

from pathlib import Path
from typing import Any

import yaml

from sightline.demo.scene.story import PERMITTED_WAIT_S
from sightline.demo.scene.world import (
    BAY,
    CARRIAGEWAY,
    CROSS_STREET,
    HEIGHT,
    LANE_LEFT,
    LANE_RIGHT,
    NO_PARKING,
    STOP_LINE,
    STRIP,
    WIDTH,
    ZEBRA,
    Pinhole,
)

SITE_FILE = Path(__file__).resolve().parents[3] / "configs" / "sites" / "demo.yaml"
CAMERA_ID = "cam-1"
_HEAD = """\
# The demo's street. Written by `python -m sightline.demo.scene.site` from the pinhole that draws the scene:
# ground points are px and metres of the road plane (x right, y away from the camera).
"""
_SURVEY = [
    (-10.5, 17.5),
    (-4.0, 17.5),
    (-10.5, 21.5),
    (-4.0, 21.5),
    (-10.5, 36.0),
    (-4.0, 36.0),
    (-13.0, 55.0),
    (-4.0, 70.0),
]


def site(url: str = "rtsp://127.0.0.1:8554/cam-1") -> dict[str, Any]:
    """The site as plain data, with the camera at `url`."""
    camera = Pinhole()

    def pixel(x: float, y: float) -> list[float]:
        u, v = camera.ground_pixel(x, y)
        return [round(min(max(u, 0), WIDTH), 1), round(min(max(v, 0), HEIGHT), 1)]

    def area(x: tuple[float, float], y: tuple[float, float]) -> list[list[float]]:
        """A rectangle of the street; long sides get points between, so that the frame's edge does not bend them."""
        (x0, x1), (y0, y1) = x, y
        return [pixel(x0, y0), pixel(x1, y0), pixel(x1, y1), pixel(x0, y1)]

    near, far = 14.0, CROSS_STREET[0]

    def lane(name: str, x: tuple[float, float], stop: bool) -> dict[str, Any]:
        middle = (x[0] + x[1]) / 2
        one: dict[str, Any] = {"id": name, "polygon": area(x, (near, far)), "towards": pixel(middle, near)}
        if stop:
            one["stop_line"] = [pixel(x[0], STOP_LINE), pixel(x[1], STOP_LINE)]
        return one

    lanes = (("l1", LANE_LEFT), ("l2", LANE_RIGHT))
    return {
        "site": "demo-street",
        "name": "Demo street",
        "timezone": "Asia/Shanghai",
        "jurisdiction": "cn-default",
        "cameras": [
            {
                "id": CAMERA_ID,
                "url": url,
                "name": "Zebra and yellow kerb",
                "direction": "against the traffic",
                "frame": [WIDTH, HEIGHT],
                "ground": {
                    "image": [[round(part, 2) for part in camera.ground_pixel(*point)] for point in _SURVEY],
                    "metres": [list(point) for point in _SURVEY],
                },
                "lanes": [lane(name, x, stop=False) for name, x in lanes],
                "zones": [
                    {
                        "id": "kerb",
                        "type": "no_parking",
                        "polygon": area((STRIP[0] - 0.4, STRIP[1]), NO_PARKING),
                        "permitted_wait_s": PERMITTED_WAIT_S,
                    },
                    {"id": "bay", "type": "parking_bay", "polygon": area((STRIP[0] - 0.4, STRIP[1]), BAY)},
                    {
                        "id": "zebra",
                        "type": "crosswalk",
                        "polygon": area(CARRIAGEWAY, ZEBRA),
                        "policy": "half_lane",
                        "carriageway": area(CARRIAGEWAY, (near, STOP_LINE + 8)),
                        "centre": "paint",
                        "signal": "none",
                        "lanes": [lane(name, x, stop=True) for name, x in lanes],
                    },
                ],
            }
        ],
    }


def as_yaml(data: dict[str, Any]) -> str:
    """The site file's text."""
    return _HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=118)


if __name__ == "__main__":
    SITE_FILE.parent.mkdir(parents=True, exist_ok=True)
    SITE_FILE.write_text(as_yaml(site()), encoding="utf-8")
