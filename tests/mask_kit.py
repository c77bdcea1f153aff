"""Rooms with something secret in them: a marker of colours that nothing else has, where the mask is to be.

`showing` looks at every picture of a file or a stream, decoded, and counts those in which it can still be seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from edge.cameras.decode import Decoder
from edge.cameras.packets import CameraPacket
from edge.masking.painter import COLOUR

#: Where voters write, as shares of the picture: a corner of it, at a slant.
SECRET = [(0.11, 0.21), (0.41, 0.13), (0.36, 0.63), (0.13, 0.58)]
#: Luma and colour of what is painted, after it was encoded; the rest of the room is grey to within this.
_PAINTED, _GREY = 6, 20


def within(width: int, height: int) -> np.ndarray:
    """(height, width) bool: the pixels of the secret."""
    corners = np.array([[round(x * width), round(y * height)] for x, y in SECRET], dtype=np.int32)
    return cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1).astype(bool)


def room(index: int, width: int, height: int) -> np.ndarray:
    """A picture (height, width, 3) BGR uint8: all grey, somebody walks through, and the secret in glaring colours."""
    rng = np.random.default_rng(index)
    ground = np.random.default_rng(7).integers(60, 180, (height // 8, width // 8), dtype=np.uint8)
    grey = np.kron(ground, np.ones((8, 8), dtype=np.uint8))
    left = index * 6 % (width - 24)
    grey[:, left : left + 24] = 210
    image = np.repeat(grey[:, :, None], 3, axis=2)
    glaring = np.where(rng.random((height // 4, width // 4)) < 0.5, 0, 1)
    colours = np.array([(255, 0, 255), (0, 0, 255)], dtype=np.uint8)[glaring]
    secret = within(width, height)
    image[secret] = np.kron(colours, np.ones((4, 4, 1), dtype=np.uint8))[secret]
    return image


def record_room(
    path: Path, seconds: float, size: tuple[int, int], codec: str = "libx264", bframes: int = 0, fps: int = 25
) -> Path:
    """Encode so much of the room into `path`, a keyframe a second."""
    params = f"keyint={fps}:min-keyint={fps}:scenecut=0:bframes={bframes}"
    if codec == "libx265":
        params += ":log-level=none:pools=1"
    options = {"preset": "ultrafast", codec.removeprefix("lib") + "-params": params}
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=Fraction(fps), options=options)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for index in range(round(seconds * fps)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(room(index, *size), format="bgr24")):
                target.mux(packet)
        target.mux(stream.encode(None))
    return path


@dataclass
class Seen:
    """Pictures that were looked at, those that show anything of the secret, and the sizes they had."""

    pictures: int = 0
    showing: int = 0
    sizes: frozenset[tuple[int, int]] = frozenset()

    def look(self, frame: av.VideoFrame) -> None:
        """One decoded picture."""
        luma, *colour = planes(frame)
        secret = within(frame.width, frame.height)
        hidden = bool((np.abs(luma[secret].astype(int) - COLOUR[0]) <= _PAINTED).all())
        grey = all(int(np.abs(plane.astype(int) - 128).max()) <= _GREY for plane in colour)
        self.pictures += 1
        self.showing += not (hidden and grey)
        self.sizes |= {(frame.width, frame.height)}


def planes(frame: av.VideoFrame) -> list[np.ndarray]:
    """Luma and both colours of a 4:2:0 picture."""
    rows = [np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size) for plane in frame.planes]
    sizes = zip(rows, frame.planes, strict=True)
    return [row[: plane.height, : plane.width] for row, plane in sizes]


def showing(files: Iterable[Path]) -> Seen:
    """What can be seen in every picture of files."""
    seen = Seen()
    for path in files:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                seen.look(frame)
    return seen


def showing_packets(packets: Iterable[CameraPacket]) -> Seen:
    """What can be seen in every picture of packets."""
    seen = Seen()
    for _, frame in Decoder().through(packets):
        seen.look(frame)
    return seen
