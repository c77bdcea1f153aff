"""Post-encroachment time: how narrowly two road users missed each other (domain section C1, research).

t(second user reaches the conflict area) - t(first user leaves it). A number for priority, not an element of the
offence (C2). The conflict area is the strip of the crosswalk that the vehicle's body sweeps.
"""

import numpy as np

from edge.rules.crossing import Crossing
from edge.rules.crosswalk import Approach
from edge.rules.drive import Drive

HIGH_S = 1.5
MEDIUM_S = 3.0


def post_encroachment(crossing: Crossing, drive: Drive, approach: Approach) -> float | None:
    """Seconds, 0 when both were there at once, None when one of them never was (or not yet)."""
    if not drive.over.any():
        return None
    across = approach.across
    middle = float(np.median(drive.motion.xy[drive.over] @ across))
    strip = np.abs(crossing.walk.motion.xy @ across - middle) <= drive.mover.size.width / 2
    walked = crossing.walk.t[strip & crossing.on_area]
    if len(walked) == 0:
        return None
    reached, left = float(drive.t[drive.over][0]), float(drive.t[drive.over][-1])
    return max(0.0, reached - float(walked[-1]), float(walked[0]) - left)


def priority(pet: float | None) -> str:
    """C2: below 1.5 s high, to 3 s medium."""
    if pet is None or pet > MEDIUM_S:
        return "normal"
    return "high" if pet < HIGH_S else "medium"
