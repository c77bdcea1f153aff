"""The colour of a plate's ground, from its straightened picture; None where the picture cannot tell.

Hue alone is deceived by street lamps: under sodium light a blue plate is yellow. But blue and black plates have light
characters and all others dark ones (GA 36), and no lamp changes that. Where both disagree nothing is said.
"""

import cv2
import numpy as np

from edge.plates.protocol import Picture

#: Hue of OpenCV (0..180) up to which a ground has a colour.
_HUES = ((35, "yellow"), (90, "green"), (135, "blue"))
_COLOURED = 60
_LIGHT_CHARACTERS = frozenset({"blue", "black"})
#: Below this mean saturation of the vehicle's surroundings the camera is in its night mode and shows grey.
_GREY_PICTURE = 12


def plate_colour(strip: Picture, around: Picture) -> str | None:
    """`blue`, `yellow`, `green`, `white` or `black` of a BGR strip (H, W, 3); `around` is the vehicle it hangs on."""
    if float(cv2.cvtColor(around, cv2.COLOR_BGR2HSV)[..., 1].mean()) < _GREY_PICTURE:
        return None
    colour = _ground(strip)
    return colour if (colour in _LIGHT_CHARACTERS) == _light_characters(strip) else None


def _ground(strip: Picture) -> str | None:
    hue, saturation, value = (part.astype(np.float32) for part in cv2.split(cv2.cvtColor(strip, cv2.COLOR_BGR2HSV)))
    coloured = saturation > _COLOURED
    if coloured.mean() >= 0.4:
        middle = float(np.median(hue[coloured]))
        return next((name for limit, name in _HUES if 12 <= middle < limit), None)
    # The ground covers more of a plate than its characters do.
    bright = float(np.median(value))
    return "white" if bright > 150 else "black" if bright < 70 else None


def _light_characters(strip: Picture) -> bool:
    """Whether the smaller part of the plate, which is what is written, is the brighter one."""
    high, wide = strip.shape[0] // 6, strip.shape[1] // 20
    grey = cv2.cvtColor(strip[high : strip.shape[0] - high, wide : strip.shape[1] - wide], cv2.COLOR_BGR2GRAY)
    limit, _ = cv2.threshold(np.ascontiguousarray(grey), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return bool((grey > limit).mean() < 0.5)
