"""The streets of the county: windows of real clips, calibrated by hand, and the demo's street where there are none.

`road_cctv_india_clumsyy29`: the horizon and the camera's height come from the woman who walks through it (1.62 m [I],
94 px at row 278, 72 px at row 195); the focal length is that of a 60 degree lens.
"""

from sightline.bench.mix.filmed import Light
from sightline.bench.mix.kerb import Kerb
from sightline.bench.mix.view import View, Window
from sightline.bench.mix.zebra import Zebra

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
        Window(left=165, top=32, width=465, mirrored=True),
        _ROAD_EDGE,
        rows=(88, 200),
        width=(3.0, 1.6),
        row=140,
        beside=0.8,
        who=2,
        light=Light((0.62, 0.71, 0.8), 3.0),
        seed=2,
    ),
)

ZEBRAS = (
    Zebra(
        "station-zebra",
        _ROAD,
        25.0,
        _ROAD_VIEW,
        Window(left=186, top=20, width=432),
        edge=((640, 360), (238, 70)),
        road=10.6,
        stop_line=16.4,
        bars=(17.4, 20.4),
        lanes=(0.2, 5.3, 10.4),
        light=Light((1.0, 1.0, 1.0), 2.2),
        seed=3,
        erased=((252, 38, 268, 81),),
    ),
)
