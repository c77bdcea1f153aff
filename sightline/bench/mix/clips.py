"""Reading a fixed-camera clip: its frames, and the street behind everything that moves.

Frames are BGR uint8 (h, w, 3) of the clip's own size; times are presentation times in seconds from its first frame.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from contract.errors import InputError

Picture = NDArray[np.uint8]
#: A median over this many frames, spread over the clip, forgets what passed.
MEDIAN_OF = 61


def frames_of(path: Path) -> Iterator[tuple[float, Picture]]:
    """Every frame with its time. Raises InputError for a file that is no video."""
    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            first: float | None = None
            for frame in container.decode(video):
                if frame.pts is None:
                    continue
                at = float(frame.pts * video.time_base)
                first = at if first is None else first
                yield at - first, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    except (FFmpegError, OSError, IndexError) as error:
        raise InputError(f"{path}: is no video that can be read ({error}) - give the folder of the clips") from error


def empty_street(path: Path) -> Picture:
    """The median of the clip: the street without its traffic."""
    frames = [frame for _, frame in frames_of(path)]
    step = max(1, len(frames) // MEDIAN_OF)
    return np.asarray(np.median(np.stack(frames[::step]), axis=0), np.uint8)
