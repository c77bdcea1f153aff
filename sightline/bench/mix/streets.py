"""The streets of the county: windows of real clips, calibrated by hand, and the demo's street where there are none.

`road_cctv_india_clumsyy29`: the horizon and the camera's height come from the woman who walks through it (1.62 m [I],
94 px at row 278, 72 px at row 195); the focal length is that of a 60 degree lens.
"""

from sightline.bench.mix.filmed import Light
from sightline.bench.mix.kerb import Kerb
from sightline.bench.mix.view import View, Window

_ROAD = "road_cctv_india_clumsyy29.mp4"
_ROAD_VIEW = View(horizon=-77, height=6.1, focal=560, middle=320)
_ROAD_EDGE = ((238, 70), (345, 130), (440, 198), (530, 270), (640, 360))

KERBS = (
    Kerb(
        "station-road",
        _ROAD,
        25.0,
        _ROAD_VIEW,
        Window(left=40, top=24, width=590),
        _ROAD_EDGE,
        rows=(92, 215),
        width=(3.0, 1.6),
        row=150,
        beside=0.9,
    ),
    Kerb(
        "flyover-evening",
        _ROAD,
        25.0,
        _ROAD_VIEW,
        Window(left=150, top=40, width=480, mirrored=True),
        _ROAD_EDGE,
        rows=(95, 225),
        width=(3.0, 1.6),
        row=172,
        beside=0.7,
        who=2,
        light=Light((0.56, 0.68, 0.82), 3.2),
        seed=2,
    ),
)
