"""NanoDet from TFJS to OpenVINO, by the project's own hand: the detector that package registries alone can give.

The graph went from PyTorch through ONNX and TensorFlow to TFJS, so each NHWC convolution stands between two
transposes. We carry the axis order of every value beside it and turn axes only where an operation cares, so all of
them vanish. The decoding of the heads (Li et al., "Generalized Focal Loss", 2020: a side's distance is the expectation
of a softmax over bins 0..10, in units of the stride) is written into the graph, so one reader fits YOLO and NanoDet:
(1, 4 + 80, N) with centre x, y, width, height in input px and class scores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from contract.errors import ModelError
from models.tfjs import Graph, Node, read_graph

#: Scores and distances by stride, as the model's signature names them.
HEADS = {8: ("Identity", "Identity_3"), 16: ("Identity_1", "Identity_4"), 32: ("Identity_2", "Identity_5")}
#: The side that the published graph was written for; sizes inside are kept as ratios of it.
TRAINED = 416
BINS = 11
_NHWC = (0, 2, 3, 1)


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor whose axis `i` is axis `order[i]` of what `output` really computes."""

    output: Any
    order: tuple[int, ...]


def convert(source: Path, size: tuple[int, int] = (TRAINED, TRAINED)) -> ov.Model:
    """The TFJS graph at `source` as an OpenVINO model for inputs of `size` (height, width; multiples of 32).

    Input: float32 (1, 3, h, w) BGR, mean and deviation taken off by the backend. Raises ModelError on an operation
    that NanoDet does not have.
    """
    if size[0] % 32 or size[1] % 32 or min(size) < 64:
        raise ModelError(f"NanoDet input {size[0]}x{size[1]}: both sides must be multiples of 32, at least 64")
    walk = _Walk(read_graph(source), size)
    walk.run()
    parts = [_decoded(walk, stride, *names, size) for stride, names in HEADS.items()]
    head = ops.concat(parts, axis=2)
    head.output(0).set_names({"output0"})
    return ov.Model([head], [walk.input], "nanodet")


def _constant(value: Any, dtype: Any = np.float32) -> Any:
    return ops.constant(np.asarray(value, dtype))


class _Walk:
    """One pass over the nodes, each turned into OpenVINO's operations."""

    def __init__(self, graph: Graph, size: tuple[int, int]) -> None:
        self.graph = graph
        self.size = size
        self.input = ops.parameter([1, 3, *size], np.float32, name="images")
        self.values: dict[str, Value] = {}
        self.numbers: dict[str, Any] = dict(graph.constants)
        self._do: dict[str, Callable[[Node], None]] = {
            "Placeholder": lambda node: self._put(node, self.input),
            "Identity": self._alias,
            "SparseToDense": self._sparse,
            "AddV2": self._add,
            "Add": self._add,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Transpose": self._transpose,
            "Conv2D": self._conv,
            "LeakyRelu": self._leaky,
            "Sigmoid": lambda node: self._same_order(node, ops.sigmoid),
            "MaxPool": self._max_pool,
            "ConcatV2": self._concat,
            "SplitV": self._split,
            "ResizeBilinear": self._resize,
            "Reshape": self._reshape,
        }

    def run(self) -> None:
        """Turn every node, each after those it needs."""
        waiting = {node.name: node for node in self.graph.nodes if node.op != "Const"}
        while waiting:
            ready = [node for node in waiting.values() if all(self._known(name) for name in node.inputs)]
            if not ready:
                raise ModelError(f"NanoDet graph: {next(iter(waiting))} waits for what is not there - fetch it again")
            for node in ready:
                if node.op not in self._do:
                    raise ModelError(f"NanoDet graph: operation {node.op} of {node.name} is not known here")
                self._do[node.op](node)
                del waiting[node.name]

    def plain(self, name: str) -> Any:
        """A value with its axes really in the order it claims."""
        value = self.values[name]
        if value.order == tuple(range(len(value.order))):
            return value.output
        return ops.transpose(value.output, _constant(value.order, np.int64))

    def _known(self, name: str) -> bool:
        return name in self.values or name in self.numbers

    def _put(self, node: Node, output: Any, order: tuple[int, ...] | None = None) -> None:
        rank = len(output.get_output_partial_shape(0) if hasattr(output, "get_output_partial_shape") else output.shape)
        self.values[node.name] = Value(output, order or tuple(range(rank)))

    def _alias(self, node: Node) -> None:
        self.values[node.name] = self.values[node.inputs[0]]

    def _same_order(self, node: Node, make: Callable[[Any], Any]) -> None:
        value = self.values[node.inputs[0]]
        self.values[node.name] = Value(make(value.output), value.order)

    def _channels_first(self, name: str) -> Any:
        """What a value that claims NHWC really is in NCHW: nearly always without a transpose."""
        value = self.values[name]
        if value.order == _NHWC:
            return value.output
        return ops.transpose(self.plain(name), _constant((0, 3, 1, 2), np.int64))

    def _sparse(self, node: Node) -> None:
        """Shapes were computed with it; the indices are empty, so it is the default everywhere."""
        where, shape, _, default = (self.numbers[name] for name in node.inputs)
        if len(where):
            raise ModelError(f"NanoDet graph: {node.name} scatters values, which is not known here")
        self.numbers[node.name] = np.full(shape, default)

    def _add(self, node: Node) -> None:
        left, right = node.inputs
        if left in self.numbers and right in self.numbers:
            self.numbers[node.name] = self.numbers[left] + self.numbers[right]
        elif right in self.numbers:
            self._add_constant(node, left, self.numbers[right])
        elif left in self.numbers:
            self._add_constant(node, right, self.numbers[left])
        else:
            one, other = self.values[left], self.values[right]
            if one.order == other.order:
                self.values[node.name] = Value(ops.add(one.output, other.output), one.order)
            else:
                self._put(node, ops.add(self.plain(left), self.plain(right)))

    def _add_constant(self, node: Node, name: str, bias: Any) -> None:
        """A bias over the last claimed axis becomes one over the axis that it really is."""
        value = self.values[name]
        full = np.asarray(bias).reshape((1,) * (len(value.order) - np.ndim(bias)) + np.shape(bias))
        real = full.transpose(np.argsort(value.order))
        self.values[node.name] = Value(ops.add(value.output, _constant(real)), value.order)

    def _pad(self, node: Node) -> None:
        value = self.values[node.inputs[0]]
        pads = np.asarray(self.numbers[node.inputs[1]])[np.argsort(value.order)]
        fill = float(self.numbers[node.inputs[2]]) if len(node.inputs) > 2 else 0.0
        begin, end = _constant(pads[:, 0], np.int64), _constant(pads[:, 1], np.int64)
        padded = ops.pad(value.output, begin, end, "constant", _constant(fill))
        self.values[node.name] = Value(padded, value.order)

    def _transpose(self, node: Node) -> None:
        value = self.values[node.inputs[0]]
        perm = [int(axis) for axis in self.numbers[node.inputs[1]]]
        self.values[node.name] = Value(value.output, tuple(value.order[axis] for axis in perm))

    def _conv(self, node: Node) -> None:
        self._expect_valid(node)
        kernel = self.numbers[node.inputs[1]].transpose(3, 2, 0, 1)  # HWIO -> OIHW
        strides, dilations = node.ints("strides")[1:3], node.ints("dilations")[1:3]
        made = ops.convolution(
            self._channels_first(node.inputs[0]), _constant(kernel), strides, [0, 0], [0, 0], dilations
        )
        self.values[node.name] = Value(made, _NHWC)

    def _max_pool(self, node: Node) -> None:
        self._expect_valid(node)
        data, strides, kernel = self._channels_first(node.inputs[0]), node.ints("strides")[1:3], node.ints("ksize")[1:3]
        made = ops.max_pool(data, strides, [1, 1], [0, 0], [0, 0], kernel, "floor", "valid", "i64")
        self.values[node.name] = Value(made.output(0), _NHWC)

    @staticmethod
    def _expect_valid(node: Node) -> None:
        if node.text("padding") != "VALID":
            raise ModelError(f"NanoDet graph: {node.name} pads by {node.text('padding')}, which is not known here")

    def _leaky(self, node: Node) -> None:
        slope = _constant([node.attr["alpha"]["f"]])
        self._same_order(node, lambda data: ops.prelu(data, slope))

    def _concat(self, node: Node) -> None:
        *parts, axis = node.inputs
        rank = len(self.values[parts[0]].order)
        claimed = int(self.numbers[axis]) % rank
        orders = {self.values[name].order for name in parts}
        if len(orders) == 1:
            order = orders.pop()
            outputs = [self.values[name].output for name in parts]
            self.values[node.name] = Value(ops.concat(outputs, axis=order[claimed]), order)
        else:
            self._put(node, ops.concat([self.plain(name) for name in parts], axis=claimed))

    def _split(self, node: Node) -> None:
        value = self.values[node.inputs[0]]
        lengths = [int(length) for length in self.numbers[node.inputs[1]]]
        axis = value.order[int(self.numbers[node.inputs[2]]) % len(value.order)]
        made = ops.variadic_split(value.output, axis, _constant(lengths, np.int64))
        for index, output in enumerate(made.outputs()):
            self.values[f"{node.name}:{index}" if index else node.name] = Value(output, value.order)

    def _resize(self, node: Node) -> None:
        """Half-pixel bilinear to a fixed size, kept as the ratio of it to the trained input."""
        data = self._channels_first(node.inputs[0])
        target = [int(side) for side in self.numbers[node.inputs[1]]]
        sides = [target[axis] * self.size[axis] // TRAINED for axis in range(2)]
        made = ops.interpolate(
            data,
            _constant(sides, np.int64),
            "linear_onnx",
            "sizes",
            coordinate_transformation_mode="half_pixel",
            axes=_constant([2, 3], np.int64),
        )
        self.values[node.name] = Value(made, _NHWC)

    def _reshape(self, node: Node) -> None:
        """(1, C, h, w) -> (1, C, cells); cells follow the input, so that axis is left to be found."""
        shape = [int(side) for side in self.numbers[node.inputs[1]]]
        shape[-1] = -1
        self._put(node, ops.reshape(self.plain(node.inputs[0]), _constant(shape, np.int64), special_zero=False))


def _decoded(walk: _Walk, stride: int, scores: str, distances: str, size: tuple[int, int]) -> Any:
    """One stride's head as (1, 84, cells): boxes cx cy w h in input px, then class scores."""
    rows, columns = size[0] // stride, size[1] // stride
    cells = rows * columns
    bins = ops.reshape(walk.plain(distances), _constant([1, cells, 4, BINS], np.int64), special_zero=False)
    chance = ops.softmax(bins, axis=3)
    weights = _constant(np.arange(BINS).reshape(1, 1, 1, BINS) * stride)
    sides = ops.reduce_sum(ops.multiply(chance, weights), _constant([3], np.int64))  # (1, cells, 4): l t r b
    y, x = np.divmod(np.arange(cells), columns)
    centres = (np.stack([x, y], axis=1) + 0.5) * stride
    low, high = ops.variadic_split(sides, 2, _constant([2, 2], np.int64)).outputs()
    middle = ops.add(_constant(centres[None]), ops.multiply(ops.subtract(high, low), _constant(0.5)))
    boxes = ops.concat([middle, ops.add(low, high)], axis=2)
    row = ops.concat([boxes, walk.plain(scores)], axis=2)
    return ops.transpose(row, _constant([0, 2, 1], np.int64))
