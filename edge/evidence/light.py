"""What the light of a pack's pictures lets nobody see: a vehicle in the dark, a front hidden by glare (domain D2).

At night a pack needs fill light or a close-up of the plate; lights are never evidence of anything here. Measured on
the untouched pictures, grey levels 0..255. The limits are this project's own [I]: no night recording was at hand to
set them by; of thirteen real recordings by day and dusk the darkest picture has a median of 62.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.cameras.packets import Picture

#: It is night in a picture with a darker median than this; a vehicle darker than that is not to be told.
NIGHT, UNSEEN = 50.0, 40.0
#: A pixel from here on is burnt out; so large a share of a vehicle's picture hides its front.
BURNT, GLARE = 250, 0.03


def shadows(whole: Sequence[Picture], near: Sequence[Picture], plate_shown: bool) -> list[str]:
    """What cannot be told in `near`, the vehicle's own pictures, by the light of the `whole` ones; BGR (H, W, 3)."""
    if not whole or not near or min(_median(picture) for picture in whole) >= NIGHT:
        return []
    found = []
    brightest = max(_median(picture) for picture in near)
    if brightest < UNSEEN and not plate_shown:
        found.append(
            f"night: the vehicle is dark (median {brightest:.0f} of 255) and no picture shows its plate; "
            "fill light or a plate close-up is asked for"
        )
    burnt = min(float((_grey(picture) >= BURNT).mean()) for picture in near)
    if burnt >= GLARE:
        found.append(f"night: glare covers {burnt:.0%} of the vehicle in every picture of it")
    return found


def _grey(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _median(picture: Picture) -> float:
    return float(np.median(_grey(picture)))


__all__ = ["shadows"]
