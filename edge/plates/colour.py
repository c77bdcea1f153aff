"""The colour of a plate's ground, from its straightened picture; None where the picture cannot tell."""

import cv2
import numpy as np

from edge.plates.protocol import Picture

#: Hue of OpenCV (0..180) up to which a ground has a colour.
_HUES = ((35, "yellow"), (90, "green"), (135, "blue"))
_COLOURED = 60
#: Below this mean saturation of the vehicle's surroundings the camera is in its night mode and shows grey.
_GREY_PICTURE = 12


def plate_colour(strip: Picture, around: Picture) -> str | None:
    """`blue`, `yellow`, `green`, `white` or `black` of a BGR strip (H, W, 3); `around` is the vehicle it hangs on."""
    if float(cv2.cvtColor(around, cv2.COLOR_BGR2HSV)[..., 1].mean()) < _GREY_PICTURE:
        return None
    hue, saturation, value = (part.astype(np.float32) for part in cv2.split(cv2.cvtColor(strip, cv2.COLOR_BGR2HSV)))
    coloured = saturation > _COLOURED
    if coloured.mean() >= 0.4:
        middle = float(np.median(hue[coloured]))
        return next((name for limit, name in _HUES if 12 <= middle < limit), None)
    # The ground covers more of a plate than its characters do.
    bright = float(np.median(value))
    return "white" if bright > 150 else "black" if bright < 70 else None
