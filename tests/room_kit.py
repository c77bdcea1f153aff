"""A real room as an RTSP camera sends it: pictures of a clip with a sensor's noise, tampered with on a timetable."""

from collections.abc import Callable
from fractions import Fraction

import av

from tests.bench import tamper_scenes as scenes
from tests.scenes.units import Planned

#: Pictures a second, and how often a keyframe comes. Seconds.
FPS, GOP_S = 5, 1.0


def film(pictures: list[tuple[float, scenes.Picture]]) -> list[Planned]:
    """The plan of a camera that sends `pictures` (second, BGR) as H.264."""
    height, width = pictures[0][1].shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.thread_count = Fraction(1, 1000), Fraction(FPS), 1
    group = round(FPS * GOP_S)
    params = f"keyint={group}:min-keyint={group}:scenecut=0:repeat-headers=1"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "24", "x264-params": params}
    plan: list[Planned] = []
    for t, picture in pictures:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = round(t * 1000)
        plan += [Planned(bytes(packet), t, t) for packet in encoder.encode(frame)]
    return plan


def room(
    scene: scenes.Scene,
    seconds: float,
    change: scenes.Change | None = None,
    play: Callable[[float], float] = lambda t: t,
) -> list[Planned]:
    """`seconds` of a room; `change` alters what the lens sees, `play` says which second of the sensor is shown."""
    steps = scenes.pictures(scene, round(seconds * FPS), 1 / FPS, change, play=play)
    return film(list(steps))
