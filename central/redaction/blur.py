"""Making a part of a picture unrecognisable for good. Pure: a picture and boxes in, a copy out."""

from collections.abc import Iterable

import cv2
import numpy as np

from central.redaction.finder import Box, Picture

#: What is left of a box: this many squares along its longer side. At six, smoothed, finders still see a face.
_SQUARES = 3


def blurred(picture: Picture, boxes: Iterable[Box]) -> Picture:
    """A copy of `picture` (H, W, 3) in which each box (px) is a few squares of mean colour.

    The squares are few and their colours rounded, so that what was there cannot be computed back. Pixels outside of
    the boxes are those of the original.
    """
    copy = picture.copy()
    for box in boxes:
        left, top, right, bottom = within(picture, box)
        if right <= left or bottom <= top:
            continue
        part = picture[top:bottom, left:right]
        side = max(1, max(part.shape[:2]) // _SQUARES)
        size = (max(1, part.shape[1] // side), max(1, part.shape[0] // side))
        few = cv2.resize(part, size, interpolation=cv2.INTER_AREA) // 16 * 16 + 8
        copy[top:bottom, left:right] = cv2.resize(
            np.asarray(few, np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
        )
    return copy


def squares(picture: Picture, side: float) -> Picture:
    """A copy of `picture` (H, W, 3) in squares of `side` px and rounded mean colour, the last of each row cut off."""
    cell = max(1, int(np.ceil(side)))
    height, width = picture.shape[:2]
    down, across = -(-height // cell), -(-width // cell)
    whole = cv2.copyMakeBorder(picture, 0, down * cell - height, 0, across * cell - width, cv2.BORDER_REPLICATE)
    few = cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA) // 16 * 16 + 8
    large = cv2.resize(np.asarray(few, np.uint8), (across * cell, down * cell), interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(large[:height, :width], np.uint8)


def grown(box: Box, share: float) -> Box:
    """A box with `share` of its width and height added on each side."""
    x1, y1, x2, y2 = box
    more_x, more_y = (x2 - x1) * share, (y2 - y1) * share
    return x1 - more_x, y1 - more_y, x2 + more_x, y2 + more_y


def within(picture: Picture, box: Box) -> tuple[int, int, int, int]:
    """Whole pixels of a box that lie in the picture: left, top, right, bottom (the last two exclusive)."""
    height, width = picture.shape[:2]
    left, top = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    return left, top, min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
