"""A street made from a real photograph (Ultralytics' bus.jpg): pictures, a clip, and the boxes that belong to them."""

import hashlib
import io
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

FRAME = (1280, 720)
FPS = 12
KERB = [(180.0, 470.0), (1180.0, 430.0), (1240.0, 640.0), (120.0, 690.0)]
ZEBRA = [(520.0, 380.0), (760.0, 380.0), (860.0, 715.0), (470.0, 715.0)]
STOP_LINE = [(430.0, 400.0), (360.0, 715.0)]


@dataclass(frozen=True)
class Media:
    """Bytes and their SHA-256."""

    raw: bytes
    w: int
    h: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


@cache
def _photograph() -> NDArray[np.uint8]:
    import ultralytics

    picture = cv2.imread(str(Path(ultralytics.__file__).parent / "assets" / "bus.jpg"))
    assert picture is not None
    return np.asarray(picture, dtype=np.uint8)


@cache
def _street() -> NDArray[np.uint8]:
    """A drawn road seen from a pole, the house fronts of the photograph behind it."""
    width, height = FRAME
    photograph = _photograph()
    scene = np.zeros((height, width, 3), np.uint8)
    fronts = cv2.resize(photograph[0:230], (width, 364))
    scene[:364] = cv2.GaussianBlur(fronts, (5, 5), 0)
    rng = np.random.default_rng(4)
    asphalt = np.linspace(112, 82, height - 330)[:, None] + rng.normal(0, 4, (height - 330, width))
    scene[330:] = np.clip(asphalt, 0, 255).astype(np.uint8)[:, :, None]
    cv2.rectangle(scene, (0, 322), (width, 346), (150, 156, 160), -1)
    for share in np.linspace(0.03, 0.9, 7):
        left = [int(a + share * (b - a)) for a, b in ((520, 760), (470, 860))]
        right = [int(a + (share + 0.07) * (b - a)) for a, b in ((520, 760), (470, 860))]
        stripe = np.array([[left[0], 384], [right[0], 384], [right[1], 712], [left[1], 712]], np.int32)
        cv2.fillPoly(scene, [stripe], (214, 218, 220))
    start, end = ([int(v) for v in point] for point in STOP_LINE)
    cv2.line(scene, start, end, (220, 222, 224), 9)
    return scene


_BUS = (20, 230, 800, 745)
_WALKER = (50, 398, 246, 904)


def picture_at(share: float) -> tuple[NDArray[np.uint8], tuple[float, float, float, float], tuple[float, ...]]:
    """The street at `share` (0..1) of the scene: picture, the bus's box, the walker's box."""
    scene, photograph = _street().copy(), _photograph()
    x1, y1, x2, y2 = _BUS
    bus = cv2.resize(photograph[y1:y2, x1:x2], (560, 370))
    left = int(30 + share * 560)
    scene[300 : 300 + 370, left : left + 560] = bus
    x1, y1, x2, y2 = _WALKER
    walker = cv2.resize(photograph[y1:y2, x1:x2], (110, 280))
    stand = int(700 - share * 60)
    scene[430:710, stand : stand + 110] = walker
    return scene, (float(left), 300.0, left + 560.0, 670.0), (float(stand), 430.0, stand + 110.0, 710.0)


@cache
def still(share: float) -> Media:
    """A JPEG of the street."""
    done, raw = cv2.imencode(".jpg", picture_at(share)[0], [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return Media(raw.tobytes(), *FRAME)


@cache
def close_up(share: float) -> Media:
    """A crop of the bus."""
    scene, (x1, y1, x2, y2), _ = picture_at(share)
    done, raw = cv2.imencode(".jpg", scene[int(y1) : int(y2), int(x1) : int(x2)])
    assert done
    return Media(raw.tobytes(), int(x2 - x1), int(y2 - y1))


@cache
def clip(seconds: float) -> Media:
    """An H.264 MP4 of the whole scene."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "12"})
        stream.width, stream.height = FRAME
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, FPS)
        total = int(seconds * FPS)
        for index in range(total):
            frame = av.VideoFrame.from_ndarray(picture_at(index / max(1, total - 1))[0], format="bgr24")
            frame.pts = index
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return Media(target.getvalue(), *FRAME)
