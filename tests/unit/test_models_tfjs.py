"""Reading TFJS: constants come out as they went in, and a broken file is told."""

import json
from pathlib import Path

import numpy as np
import pytest

from contract.errors import ModelError
from models.nanodet import convert
from models.tfjs import read_graph


def write(folder: Path, **changes: object) -> Path:
    """A graph of one constant stored in float16 and one in int32."""
    half = np.array([[1.5, -2.0]], np.float16)
    whole = np.array([7], np.int32)
    (folder / "w.bin").write_bytes(half.tobytes() + whole.tobytes())
    weights = [
        {"name": "a", "shape": [1, 2], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "b", "shape": [1], "dtype": "int32"},
    ]
    data: dict[str, object] = {
        "format": "graph-model",
        "modelTopology": {"node": [{"name": "x", "op": "Softplus", "input": ["a"]}]},
        "weightsManifest": [{"paths": ["w.bin"], "weights": weights}],
    }
    (folder / "g.json").write_text(json.dumps(data | changes))
    return folder / "g.json"


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    graph = read_graph(write(tmp_path))
    assert graph.constants["a"].dtype == np.float32
    assert graph.constants["a"].tolist() == [[1.5, -2.0]]
    assert graph.constants["b"].tolist() == [7]


def test_an_unknown_operation_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="operation Softplus of x"):
        convert(write(tmp_path))


@pytest.mark.parametrize("size", [(100, 416), (32, 32)])
def test_sizes_that_do_not_divide_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(ModelError, match="multiples of 32"):
        convert(write(tmp_path), size)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"format": "layers-model"}, "not a graph-model"), ({"modelTopology": {}}, "no TFJS graph model")],
)
def test_another_file_is_told(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read_graph(write(tmp_path, **changes))


def test_missing_and_cut_weights_are_told(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "w.bin").write_bytes(b"\x00\x01")
    with pytest.raises(ModelError, match="no TFJS graph model"):
        read_graph(path)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ModelError, match=r"w\.bin: cannot be read"):
        read_graph(path)
