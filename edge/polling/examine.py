"""From a decoded keyframe to the numbers of a `Look`, against the camera's own baseline."""

from dataclasses import replace

import av
import numpy as np

from edge.cameras.packets import Origin
from edge.cameras.sample import BLOCK
from edge.polling.baseline import FIRST, Baseline, learned
from edge.polling.landmarks import ENOUGH, Landmarks, likeness
from edge.polling.noise import Echo, stillness
from edge.polling.pixels import Area, Reader, Seen
from edge.polling.rules import Look

#: Landmarks are chosen anew after so many untroubled looks, as furniture is moved (an hour).
_RENEW = 720
#: The noise baseline is trusted after so many comparisons, and when there is any noise to miss. Grey levels.
_COMPARED, _NOISE = 8, 0.15
#: Looks that lie further apart than this have different light. Seconds.
_TOGETHER_S = 15.0


class Examiner:
    """Looks at one camera. Not thread-safe."""

    def __init__(self, area: Area, baseline: Baseline | None) -> None:
        self.baseline = baseline
        self.echo = Echo()
        self._area = area
        self._reader: Reader | None = None
        self._landmarks: Landmarks | None = None
        self._learning: list[Seen] = []
        self._last: tuple[float, Seen] | None = None
        self._untroubled = 0
        self._crept = 0.0

    def look(
        self, frame: av.VideoFrame, t: float, repeated: float | None, origin: Origin | None = None
    ) -> tuple[Look, Seen]:
        """The numbers of a picture. `repeated`: the lag (s) at which its very bytes were there before.

        `origin`: what it was before the box encoded it again.
        """
        reader = self._reader
        if reader is None or reader.size != (frame.width, frame.height):
            self._reader = reader = Reader(self._area, frame.width, frame.height)
            self._last, self._landmarks, self._learning = None, None, []
        before_encoding = None
        if origin is not None:
            before_encoding = np.frombuffer(origin.sample, np.uint8).reshape(-1, BLOCK, BLOCK)
        seen = reader.read(frame, before_encoding)
        noise_lag = self.echo.picture(seen.blocks, t)
        before, self._last = self._last, (t, seen)
        look = Look(
            mean=seen.mean,
            std=seen.std,
            edge_density=seen.edges,
            textured=seen.textured,
            lag=repeated if repeated is not None else noise_lag,
            unmasked=seen.unmasked if self._area.masks else None,
        )
        return self._against(look, seen, reader, before, t), seen

    def learn(self, seen: Seen, look: Look, *, well: bool) -> None:
        """After the rules judged: take in what is `well` (nothing is suspected)."""
        if not well:
            self._learning.clear()
            return
        if self.baseline is None:
            self._learning.append(replace(seen, blocks=np.zeros((0, 0, 0), np.uint8)))  # two thirds of its memory
            if len(self._learning) >= FIRST:
                self.baseline = learned(self._learning)
                self._learning = []
            return
        if look.shift is None or look.shift <= self._crept:
            self.baseline.follow(seen)
        self._untroubled += 1
        if self._untroubled >= _RENEW:
            self._untroubled, self._landmarks = 0, None

    def _against(self, look: Look, seen: Seen, reader: Reader, before: tuple[float, Seen] | None, t: float) -> Look:
        usual = self.baseline
        told = {name: getattr(look, name) for name in look.__slots__}
        near = before is not None and t - before[0] <= _TOGETHER_S
        if before is not None and near and before[1].blocks.shape == seen.blocks.shape and len(seen.blocks):
            still = stillness(before[1].blocks, seen.blocks)
            told["same"], told["noise_level"] = still.same, still.noise
            if usual is not None:
                told["usual_same"] = usual.same if usual.compared >= _COMPARED else 0.0
                if usual.compared >= _COMPARED and usual.noise > _NOISE:
                    told["noise"] = still.noise / usual.noise
                if still.same < 0.97 and (told.get("noise") or 1.0) > 0.4:
                    usual.compare(still.noise, still.same)
        if usual is None or usual.reference.shape != seen.small.shape:
            return Look(**told)
        if self._landmarks is None:
            self._landmarks = Landmarks(usual.reference, reader.counts)
            self._crept = _crept(usual, reader, self._crept)
        where = self._landmarks.find(seen.small)
        told |= {
            "usual_std": usual.std,
            "contrast": seen.std * max(1.0, usual.mean / max(seen.mean, 1.0)),
            "edges": seen.edges / max(usual.edges, 1e-4),
            "sharpness": usual.sharpness(seen),
            "steady": abs(seen.mean - usual.mean) < 0.25 * usual.mean,
            "in_place": where.in_place,
            "shift": where.shift if where.shift is None else max(where.shift, self._crept),
        }
        if where.in_place < ENOUGH and before is not None and before[1].small.shape == seen.small.shape:
            told["likeness"], _ = likeness(usual.reference, before[1].small, seen.small, reader.counts)
        return Look(**told)


def _crept(usual: Baseline, reader: Reader, before: float) -> float:
    """How far (share of the width) the reference, which follows what is slow, has come away from the first one.

    A room that is furnished anew tells nothing: then it is what was known `before`.
    """
    if usual.anchor.shape != usual.reference.shape:
        return 0.0
    shift = Landmarks(usual.anchor, reader.counts).find(usual.reference).shift
    return before if shift is None else shift


__all__ = ["Examiner"]
