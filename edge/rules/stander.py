"""What a rule tells whoever plans the looks of its camera: who stands, and when that may become a matter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stander:
    """A vehicle that stands. `box` (4,) px is where; `settled`: its coming to rest has been seen in full.

    `stays`: it stands in or at a parking zone. `expires` is the stream second at which its wait would run out if it
    stood on; None where no clock runs that could accuse it. `proven` is the last instant at which a sighting proved it.
    """

    box: NDArray[np.float64]
    settled: bool
    stays: bool
    expires: float | None = None
    proven: float = 0.0
