"""What is usual for one camera: learned from its own looks, followed slowly, and kept over a restart.

Only looks that nothing speaks against teach: a camera that was covered when it began has no baseline until it shows
something. The reference picture has its masks painted, as everything that a recorder hands out.
"""

import base64
import json
from dataclasses import asdict, dataclass, field

import cv2
import numpy as np

from edge.polling.pixels import TEXTURE, Floats, Grey, Seen
from edge.polling.rules import Stream

#: Looks of which the first baseline is made (a minute), and the share of each later one that it takes in.
FIRST, FOLLOW = 12, 1 / 180


@dataclass(slots=True)
class Baseline:
    """Usual numbers of one camera; `reference` is the small grey picture of what stands still before it.

    `anchor` is the first of these and follows nothing: a lens that is turned slowly takes the reference along.
    """

    reference: Grey
    anchor: Grey
    mean: float
    std: float
    edges: float
    detail: Floats
    coarse: Floats
    noise: float = 0.0
    same: float = 0.0
    compared: int = 0
    stream: Stream | None = None
    #: When it was learned first, Unix s; None of one that an earlier version kept.
    since: float | None = None
    _slow: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def follow(self, seen: Seen) -> None:
        """Take in a look that nothing speaks against."""
        self.mean += (seen.mean - self.mean) * FOLLOW
        self.std += (seen.std - self.std) * FOLLOW
        self.edges += (seen.edges - self.edges) * FOLLOW
        self.detail += (seen.detail - self.detail) * FOLLOW
        self.coarse += (seen.coarse - self.coarse) * FOLLOW
        if self._slow.shape != self.reference.shape:
            self._slow = self.reference.astype(np.float32)
        cv2.accumulateWeighted(seen.small, self._slow, FOLLOW)
        self.reference = np.asarray(np.rint(self._slow), np.uint8)

    def compare(self, noise: float, same: float) -> None:
        """Take in how much two live looks differ: noise as its lower bound, for people only add to it."""
        self.compared += 1
        if self.compared == 1:
            self.noise, self.same = noise, same
            return
        self.noise += (noise - self.noise) * (0.2 if noise < self.noise else 0.01)
        self.same += (same - self.same) * (0.2 if same > self.same else 0.01)

    def sharpness(self, seen: Seen) -> float | None:
        """Median share of fine structure that is left, of the cells that have any; None where there are too few."""
        textured = (self.coarse > TEXTURE) & (self.detail > 1.0) & (seen.coarse > TEXTURE / 16)
        if int(textured.sum()) < 6:
            return None
        left = (seen.detail + 0.01) / (seen.coarse + 1.0) * (self.coarse + 1.0) / (self.detail + 0.01)
        return float(np.sqrt(np.median(left[textured])))

    def to_json(self) -> bytes:
        """For the disk."""
        said = {
            "reference": _written(self.reference),
            "anchor": _written(self.anchor),
            "detail": self.detail.tolist(),
            "coarse": self.coarse.tolist(),
            "stream": None if self.stream is None else asdict(self.stream),
        }
        plain = {key: getattr(self, key) for key in ("mean", "std", "edges", "noise", "same", "compared", "since")}
        return json.dumps(said | plain).encode()


def from_json(raw: bytes) -> Baseline:
    """What `to_json` wrote. Raises ValueError for anything else."""
    try:
        said = json.loads(raw)
        reference = _read(said.pop("reference"))
        # Baselines of earlier versions have no anchor: it is what they had followed to.
        anchor = _read(said.pop("anchor")) if "anchor" in said else reference
        stream = said.pop("stream")
        detail, coarse = (np.array(said.pop(key), np.float32) for key in ("detail", "coarse"))
        known = None if stream is None else Stream(**stream)
        return Baseline(reference=reference, anchor=anchor, detail=detail, coarse=coarse, stream=known, **said)
    except (KeyError, TypeError, cv2.error) as error:
        raise ValueError(f"is no baseline ({error})") from error


def _written(picture: Grey) -> str:
    whole, png = cv2.imencode(".png", picture)
    assert whole
    return base64.b64encode(png.tobytes()).decode()


def _read(text: str) -> Grey:
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError("its reference picture cannot be read")
    return np.asarray(picture, np.uint8)


def learned(looks: list[Seen]) -> Baseline:
    """The first baseline, of looks that nothing speaks against: the median, so that who walks by is not in it."""
    reference = np.asarray(np.median([one.small for one in looks], axis=0), np.uint8)
    return Baseline(
        reference=reference,
        anchor=reference,
        mean=float(np.median([one.mean for one in looks])),
        std=float(np.median([one.std for one in looks])),
        edges=float(np.median([one.edges for one in looks])),
        detail=np.asarray(np.median([one.detail for one in looks], axis=0), np.float32),
        coarse=np.asarray(np.median([one.coarse for one in looks], axis=0), np.float32),
    )


__all__ = ["FIRST", "FOLLOW", "Baseline", "from_json", "learned"]
