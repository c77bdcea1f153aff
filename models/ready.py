"""A package around an export that somebody else made, as it is or for another input size.

An Ultralytics export has its size baked in: the shapes of the attention block, the cell centres and the strides of the
head are constants. All of them follow from the size, so they can be written anew without the original weights; INT8
scales are per tensor or channel and stay as they were calibrated.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from contract.errors import ModelError
from edge.detect.open import open_detector
from edge.detect.package import Manifest, read_package, sha256_of, write_manifest
from models import pictures, store
from models.agreement import agree
from models.catalogue import Entry

STRIDES = (8, 16, 32)
_MOST_PICTURES = 64


def ready(entry: Entry, source: Path, size: tuple[int, int], frames: Path | None, say: Callable[[str], None]) -> Path:
    """The folder of a package made of the export at `source`, for input `size` (height, width).

    Another size is compared with the export's own on `frames`, or on the photographs that Ultralytics ships. Raises
    ModelError when the network is not built as Ultralytics builds it.
    """
    raw = read_package(source)
    high, wide = size
    anew = size != raw.input
    say(f"{entry.name}: taking the ready export ({entry.note})" + (f", for {high}x{wide}" if anew else ""))

    def build(out: Path) -> Manifest:
        for name in raw.files:
            shutil.copyfile(source / name, out / name)
        made = raw.model_copy(
            update={
                "name": f"yolo11n-{high}x{wide}-int8",
                "version": f"{raw.name}+ultralytics{raw.version}",
                "score": entry.score,
                "iou": entry.iou,
                "source": entry.source,
                "source_sha256": next(iter(entry.files.values())),
                "licence": entry.licence,
            }
        )
        return _resized(made, out, source, size, frames) if anew else made

    return store.put(build).folder


def _resized(made: Manifest, out: Path, source: Path, size: tuple[int, int], frames: Path | None) -> Manifest:
    one_size = made.input
    network = resized(ov.Core().read_model(source / made.network), one_size, size)
    ov.save_model(network, out / made.network, compress_to_fp16=False)
    made = made.model_copy(
        update={
            "input": size,
            "files": {name: sha256_of(out / name) for name in made.files},
            "made_with": {"openvino": ov.__version__},
        }
    )
    write_manifest(out, made)
    seen = pictures.sample(frames, _MOST_PICTURES) if frames else pictures.shipped()
    if not seen:  # no photograph here, and so nothing to say
        return made
    one, other = open_detector(source), open_detector(out)
    try:
        reference = f"the ready export at its own {one_size[0]}x{one_size[1]}"
        return made.model_copy(update={"agreement": agree(one, other, seen, reference)})
    finally:
        one.close()
        other.close()


def resized(network: Any, old: tuple[int, int], size: tuple[int, int]) -> Any:
    """`network`, an Ultralytics detector with input `old` (height, width), for input `size`; the same object.

    Raises ModelError when a constant of the old size is left that is none of the known ones.
    """
    cells, deep = (sum((high // s) * (wide // s) for s in STRIDES) for high, wide in (old, size))
    last = {(old[0] // 32, old[1] // 32): (size[0] // 32, size[1] // 32)}
    coarse = old[0] // 32 * (old[1] // 32), size[0] // 32 * (size[1] // 32)
    for operation in network.get_ordered_ops():
        for index in range(operation.get_input_size()):
            constant = operation.input_value(index).get_node()
            if constant.get_type_name() != "Constant":
                continue
            shape = tuple(constant.output(0).get_shape())
            if operation.get_type_name() == "Reshape" and index == 1:
                target = [int(one) for one in constant.get_data()]
                value: NDArray[Any] = np.array(_target(target, last, {cells: deep, coarse[0]: coarse[1]}), np.int64)
            elif shape == (1, 2, cells):
                value = _centres(size)
            elif shape == (1, 1, cells):
                value = _strides(size)
            else:
                continue
            new = ops.constant(value, dtype=operation.input_value(index).get_element_type())
            operation.input(index).replace_source_output(new.output(0))
    network.get_parameters()[0].set_partial_shape(ov.PartialShape([1, 3, *size]))
    try:
        network.validate_nodes_and_infer_types()
        whole = list(network.output(0).get_shape())
    except RuntimeError as error:
        raise ModelError(
            f"the export cannot be made {size[0]}x{size[1]}: it is not built as Ultralytics does"
        ) from error
    if whole[-1] != deep:
        raise ModelError(f"the export cannot be made {size[0]}x{size[1]}: its head gives {whole}")
    return network


def _target(old: list[int], grids: dict[tuple[int, int], tuple[int, int]], lengths: dict[int, int]) -> list[int]:
    """The shape that a Reshape asks for, at the new size."""
    if len(old) == 4 and (old[2], old[3]) in grids:
        return [*old[:2], *grids[old[2], old[3]]]
    return [*old[:-1], lengths.get(old[-1], old[-1])]


def _centres(size: tuple[int, int]) -> NDArray[np.float32]:
    """Cell centres (1, 2, cells) in cells: x, then y, stride after stride, row by row."""
    grids = [np.meshgrid(np.arange(size[1] // s), np.arange(size[0] // s)) for s in STRIDES]
    return np.concatenate([np.stack([x.ravel(), y.ravel()]) + 0.5 for x, y in grids], axis=1)[None].astype(np.float32)


def _strides(size: tuple[int, int]) -> NDArray[np.float32]:
    """The stride (1, 1, cells) of each cell, px."""
    return np.concatenate([np.full((size[0] // s) * (size[1] // s), s) for s in STRIDES])[None, None].astype(np.float32)


__all__ = ["ready", "resized"]
