"""Reading a TensorFlow.js graph model: its nodes and its constants, without TensorFlow.

The format is TensorFlow's GraphDef written as JSON (`modelTopology.node`: name, op, input, attr) beside one binary
file of constants, described by `weightsManifest`; there float32 constants may be stored as float16 (`quantization`).
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: `inputs` are names of nodes, with `:k` for another than their first result."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attr: dict[str, Any]

    def text(self, key: str) -> str:
        """A string attribute; GraphDef keeps bytes as base64."""
        return base64.b64decode(self.attr[key]["s"]).decode()

    def ints(self, key: str) -> list[int]:
        """A list of integers."""
        return [int(value) for value in self.attr[key]["list"]["i"]]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes as the file orders them, and constants by name."""

    nodes: tuple[Node, ...]
    constants: dict[str, NDArray[Any]]


def read_graph(path: Path) -> Graph:
    """The graph model at `path` (`.json`, its weights beside it). Raises ModelError when it is not one."""
    try:
        data = json.loads(path.read_bytes())
        if data["format"] != "graph-model":
            raise ModelError(f"{path}: is a TFJS {data['format']}, not a graph-model - fetch the package again")
        nodes = tuple(
            Node(node["name"], node["op"], tuple(node.get("input", ())), node.get("attr", {}))
            for node in data["modelTopology"]["node"]
        )
        constants: dict[str, NDArray[Any]] = {}
        for group in data["weightsManifest"]:
            raw = b"".join((path.parent / Path(part).name).read_bytes() for part in group["paths"])
            constants.update(_constants(raw, group["weights"]))
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror}) - fetch the package again") from error
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: is no TFJS graph model ({error!r:.80}) - fetch the package again") from error
    return Graph(nodes, constants)


def _constants(raw: bytes, specs: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for spec in specs:
        stored = np.dtype(spec.get("quantization", {}).get("dtype", spec["dtype"])).newbyteorder("<")
        count = int(np.prod(spec["shape"], dtype=np.int64))
        values = np.frombuffer(raw, stored, count, at)
        at += values.nbytes
        found[spec["name"]] = values.astype(spec["dtype"]).reshape(spec["shape"])
    if at != len(raw):
        raise ValueError(f"{len(raw)} bytes of weights, {at} described")
    return found
