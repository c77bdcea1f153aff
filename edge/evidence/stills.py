"""Stills: the untouched picture, crops of the vehicle, and copies with the facts printed beneath.

GA/T 832-2014 and the tenders that follow it (domain B2): at least 1280x720, 24-bit colour, JPEG of up to 1 MB, time to
the millisecond; originals stay free of overlay, the printed band stands below the picture so that it hides nothing.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.cameras.packets import Picture
from edge.rules.decision import Box

#: JPEG quality and chroma of originals: plates and signal lamps are small and coloured, so colour is not halved.
QUALITY = 92
LOWEST_QUALITY = 90
NEAR_QUALITY = 95
MAX_JPEG_BYTES = 1_000_000


def encode(picture: Picture, quality: int = QUALITY) -> bytes:
    """JPEG of a BGR picture (H, W, 3), 4:4:4; a whole frame over 1 MB is tried again at the lowest quality, 4:2:0."""
    raw = _jpeg(picture, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    if len(raw) > MAX_JPEG_BYTES:
        raw = _jpeg(picture, LOWEST_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    return raw


def decode(raw: bytes) -> Picture:
    """The picture of a JPEG. Raises ValueError when it is none."""
    picture = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("not a JPEG")
    return np.asarray(picture, dtype=np.uint8)


def crop(picture: Picture, box: Box, around: float) -> Picture | None:
    """The part of `picture` around `box` (px of this picture), `around` times its size; None when nothing is left."""
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box
    half_w, half_h = (x2 - x1) / 2 * around, (y2 - y1) / 2 * around
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = max(0, int(centre_x - half_w)), min(width, int(np.ceil(centre_x + half_w)))
    top, bottom = max(0, int(centre_y - half_h)), min(height, int(np.ceil(centre_y + half_h)))
    if right - left < 8 or bottom - top < 8:
        return None
    return np.ascontiguousarray(picture[top:bottom, left:right])


def scaled(box: Box, frame: tuple[int, int] | None, picture: Picture) -> Box:
    """A box in pixels of the site's `frame` in pixels of `picture`."""
    if frame is None:
        return box
    across, down = picture.shape[1] / frame[0], picture.shape[0] / frame[1]
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def labelled(picture: Picture, rows: Sequence[Sequence[str]]) -> Picture:
    """A copy with a band below that holds `rows` of parts; a row too long for the picture goes on in the next line."""
    size = max(13, min(36, picture.shape[1] // 52))
    lines = [line for row in rows for line in _wrapped(row, size, picture.shape[1] - size)]
    step = int(size * 1.6)
    band = np.zeros((step * len(lines) + size // 2, picture.shape[1], 3), np.uint8)
    for number, line in enumerate(lines, start=1):
        lettered(band, line, (size // 2, step * number), size, (255, 255, 255))
    return np.ascontiguousarray(np.vstack([picture, band]))


def lettered(picture: Picture, line: str, at: tuple[int, int], size: int, ink: tuple[int, int, int]) -> None:
    """Write `line` with its lower left corner `at`, `size` px high, smaller where it would run over the edge."""
    face = cv2.FontFace("uni")  # OpenCV's own font, with Chinese
    room = picture.shape[1] - at[0] - 2
    while size > 8 and _width(line, size) > room:
        size -= 1
    cv2.putText(picture, line, at, ink, face, size)


def encode_within(picture: Picture, most: int) -> bytes:
    """JPEG of a sheet or copy of at most `most` bytes, as fine as that allows; never under quality 50."""
    raw = b""
    for quality in (92, 88, 82, 75, 66, 58, 50):
        raw = _jpeg(picture, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
        if len(raw) <= most:
            break
    return raw


def _wrapped(row: Sequence[str], size: int, room: int) -> list[str]:
    """The parts of a row in as few lines as fit into `room` px."""
    lines: list[str] = []
    for part in row:
        longer = f"{lines[-1]}   {part}" if lines else part
        if lines and _width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _width(line: str, size: int) -> int:
    _, _, wide, _ = cv2.getTextSize((10_000, 1000), line, (0, 0), cv2.FontFace("uni"), size)
    return int(wide)


def _jpeg(picture: Picture, quality: int, chroma: int) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    done, raw = cv2.imencode(".jpg", picture, options)
    if not done:
        raise ValueError("the picture could not be written as JPEG")
    return bytes(raw.tobytes())
