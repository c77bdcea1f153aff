"""Keyframes as small JPEGs: for a thin link, and for streams that browsers do not play."""

import cv2

from contract.livestream import STILL, LiveMessage
from edge.cameras.decode import bgr
from edge.cameras.keyframe import KeyframeDecoder
from edge.record.tapped import Tapped

#: Pixels.
WIDEST = 640
_QUALITY = 70


def still(one: Tapped, decoder: KeyframeDecoder) -> LiveMessage | None:
    """The picture of a keyframe, at most `WIDEST` wide; None when it cannot be decoded. Raises MediaError."""
    frame = decoder.frame(one.packet)
    if frame is None:
        return None
    picture = bgr(frame)
    height, width = picture.shape[:2]
    if width > WIDEST:
        size = (WIDEST, max(1, round(height * WIDEST / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    whole, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return LiveMessage(STILL, True, one.wall_us, data.tobytes()) if whole else None


__all__ = ["WIDEST", "still"]
