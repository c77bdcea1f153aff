"""Sensor noise: a live sensor never gives the same picture twice, however quiet the room is.

A picture that stands still keeps its noise; one that is played again brings its noise again. Both are read in blocks
at full size, as a smaller picture has no noise left.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.polling.pixels import Grey

#: How long keyframes are remembered, and how many noise prints (one a look) that is at most.
WINDOW_S, PRINTS = 7200.0, 720
#: Prints younger than this are of the same scene in the same instant of light. Seconds.
_APART_S = 8.0
#: The same picture's noise is nearer than this share of how near so many other pictures come: those with noise of their
#: own come as near as each other.
ALIKE, _OTHERS = 0.4, 6
#: Squared distance at which a block counts no more, and below which there is no noise to tell pictures apart (in
#: quarters of a grey level, squared).
_CLIP, _LEAST = 1024.0, 1.5


@dataclass(frozen=True, slots=True)
class Stillness:
    """Two looks compared: `same` is the share of blocks equal to the last bit, `noise` what differs in the rest.

    `noise`: grey levels, mean absolute difference in the block that differs more than 4 of 5 do, brightness apart.
    """

    same: float
    noise: float


def stillness(before: Grey, now: Grey) -> Stillness:
    """How still a picture stood."""
    apart = now.astype(np.int16) - before
    equal = ~apart.any(axis=(1, 2))
    level = apart.mean(axis=(1, 2), keepdims=True)
    noise = np.abs(apart - level).mean(axis=(1, 2))
    return Stillness(float(equal.mean()), float(np.quantile(noise, 0.8)))


class Echo:
    """Remembers keyframes and noise prints of one camera, and knows one that comes again."""

    def __init__(self) -> None:
        self._bytes: dict[bytes, float] = {}
        self._order: deque[tuple[float, bytes]] = deque()
        self._last = b""
        self._times = np.zeros(PRINTS)
        self._prints: NDArray[np.int8] | None = None
        self._count = 0
        self._just: list[NDArray[np.int8]] = []

    def keyframe(self, digest: bytes, t: float) -> float | None:
        """The lag (s) at which the very same bytes came before; None for a new one or one equal to the last."""
        while self._order and self._order[0][0] < t - WINDOW_S:
            self._bytes.pop(self._order.popleft()[1], None)
        before, last = self._bytes.get(digest), self._last
        self._last = digest
        if before is None:
            self._bytes[digest] = t
            self._order.append((t, digest))
            return None
        return None if digest == last else t - before

    def picture(self, blocks: Grey, t: float) -> float | None:
        """The lag (s) at which the same noise was seen; None for new noise. What came again is not kept twice."""
        noise = _noise(blocks)
        if self._prints is None or self._prints.shape[1] != len(noise):
            self._prints, self._count, self._just = np.zeros((PRINTS, len(noise)), np.int8), 0, []
        lag = self._lag(noise, t)
        self._just = [noise, *self._just[:1]]
        if lag is None:
            place = self._count % PRINTS
            self._prints[place], self._times[place] = noise, t
            self._count += 1
        return lag

    def _lag(self, noise: NDArray[np.int8], t: float) -> float | None:
        """What comes again is far nearer to one picture than to several others, and than to those just before.

        Light that goes off and on again brings old pictures back, but with other noise, and many of them at once.
        """
        assert self._prints is not None
        many = min(self._count, PRINTS)
        apart = t - self._times[:many]
        if many < 2 * _OTHERS or len(self._just) < 2 or np.count_nonzero(apart > _APART_S) == 0:
            return None
        distance = _distance(self._prints[:many], noise)
        usual = min(float(np.partition(distance, _OTHERS)[_OTHERS]), *_distance(np.array(self._just), noise))
        distance[(apart <= _APART_S) | (apart >= WINDOW_S)] = np.inf
        best = int(np.argmin(distance))
        return float(apart[best]) if usual > _LEAST and distance[best] < ALIKE * usual else None


def _distance(prints: NDArray[np.int8], noise: NDArray[np.int8]) -> NDArray[np.float32]:
    differ = prints.astype(np.float32) - noise
    return np.asarray(np.minimum(differ * differ, _CLIP).mean(axis=1), np.float32)


def _noise(blocks: Grey) -> NDArray[np.int8]:
    """One number a block, in quarters of a grey level: how its middle differs from what lies around it."""
    middle = blocks[:, 7, 7].astype(np.float32)
    around = blocks[:, 5:10, 5:10].astype(np.float32).mean(axis=(1, 2))
    return np.asarray(np.clip(np.rint(4 * (middle - around)), -127, 127), np.int8)


__all__ = ["PRINTS", "WINDOW_S", "Echo", "Stillness", "stillness"]
