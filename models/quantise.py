"""INT8 by post-training quantisation (NNCF) on pictures of the cameras that will be watched.

The detection head stays in floating point, as Ultralytics' own export keeps it: its scores and distances decide at
thresholds, and eight bits there cost boxes and win little.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from contract.errors import ModelError
from edge.detect.fit import letterbox
from edge.detect.openvino import NANODET_MEAN, NANODET_STD
from edge.detect.protocol import Picture

#: Below this the ranges of activations are guesses.
FEWEST = 32


def quantise(network: ov.Model, kind: str, size: tuple[int, int], pictures: Sequence[Picture]) -> ov.Model:
    """The network with INT8 weights and activations. Raises ModelError for too few pictures or without NNCF."""
    if len(pictures) < FEWEST:
        raise ModelError(
            f"INT8 wants at least {FEWEST} pictures to calibrate on, {len(pictures)} were given - "
            "give more --frames or use --f32"
        )
    try:
        import nncf
    except ImportError as error:
        raise ModelError("INT8 needs nncf - install `sightline[ultralytics]` or use --f32") from error
    data = nncf.Dataset([network_input(picture, kind, size) for picture in pictures])
    scope = nncf.IgnoredScope(names=_head(network), validate=False)
    return nncf.quantize(
        network, data, preset=nncf.QuantizationPreset.MIXED, subset_size=len(pictures), ignored_scope=scope
    )


def network_input(picture: Picture, kind: str, size: tuple[int, int]) -> NDArray[np.float32]:
    """A picture as the bare network takes it: float32 (1, 3, h, w)."""
    blob = np.empty((*size, 3), np.uint8)
    letterbox(picture, blob)
    pixels: NDArray[np.float32] = np.asarray(blob, np.float32)
    if kind == "nanodet":
        pixels = np.divide(np.subtract(pixels, NANODET_MEAN, dtype=np.float32), NANODET_STD, dtype=np.float32)
    else:
        pixels = np.divide(pixels[..., ::-1], 255, dtype=np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)


def _head(network: Any) -> list[str]:
    """Names of what must stay in floating point: sigmoids, and all that belongs to the detect module."""
    operations = network.get_ordered_ops()
    sigmoids = [op.get_friendly_name() for op in operations if op.get_type_name() == "Sigmoid"]
    kept = [op.get_friendly_name() for op in operations if op.get_type_name() in {"Sigmoid", "Softmax"}]
    last = sigmoids[-1] if sigmoids else ""
    if "/" in last:  # Ultralytics' names are paths of modules; the last one is the head
        scope = last.split("/", 1)[0]
        kept += [
            op.get_friendly_name()
            for op in operations
            if op.get_friendly_name().startswith((scope + "/", scope + ".dfl"))
        ]
    return sorted(set(kept))
