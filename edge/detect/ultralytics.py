"""The second backend: whatever Ultralytics' `YOLO()` loads - `.pt`, ONNX, TensorRT, its own OpenVINO export.

For comparing with the original, for training, and for boxes with a GPU. Its settings stay in a folder of ours and
it neither reports usage nor installs packages.
"""

import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from contract.errors import ModelError
from contract.events import ModelRef
from edge.detect.boxes import class_table, settle
from edge.detect.engine import Done
from edge.detect.package import IOU, SCORE, sha256_of
from edge.detect.protocol import Picture
from edge.detect.torchvision_stub import ensure_torchvision
from edge.frames import Detections

#: (height, width) when the file does not say: a 16:9 camera without grey bars.
DEFAULT_SIZE = (384, 640)


def quiet_environment(settings: Path) -> dict[str, str]:
    """Environment in which Ultralytics writes its settings to `settings` and touches neither network nor pip."""
    return {
        "YOLO_CONFIG_DIR": str(settings),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_VERBOSE": "false",
    }


def load_ultralytics() -> Any:
    """The `ultralytics` module, quiet. Raises ModelError when the extra is not installed."""
    if "ultralytics" not in sys.modules:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        settings = cache / "sightline" / "ultralytics"
        settings.mkdir(parents=True, exist_ok=True)
        for key, value in quiet_environment(settings).items():
            os.environ.setdefault(key, value)
    try:
        ensure_torchvision()
        import ultralytics
    except ImportError as error:
        raise ModelError(
            f"the Ultralytics backend needs {error.name} - install `sightline[ultralytics]` or use backend: openvino"
        ) from error
    ultralytics.SETTINGS.update(sync=False)
    return ultralytics


class UltralyticsEngine:
    """A file or export folder run by Ultralytics in a thread of its own (its predictor is not reentrant)."""

    def __init__(self, path: Path, size: tuple[int, int] | None = None, score: float = SCORE, device: str = "") -> None:
        """`size` (height, width) is taken from the export's own metadata when it is fixed there."""
        if not path.exists():
            raise ModelError(f"{path}: is not there - give a .pt, .onnx, .engine or export folder")
        ultralytics = load_ultralytics()
        self._path, self._score, self._device = path, score, device or None
        self._size = _own_size(path) or size or DEFAULT_SIZE
        try:
            self._yolo = ultralytics.YOLO(str(path), task="detect")
            self._table = class_table([self._yolo.names[index] for index in range(len(self._yolo.names))])
            self._look(np.zeros((*self._size, 3), np.uint8))
        except Exception as error:  # Ultralytics raises whatever its many formats raise
            first = str(error).strip().splitlines() or ["no reason given"]
            raise ModelError(f"{path}: Ultralytics cannot run it ({first[0][:120]}) - export it again") from error
        self._ref = ModelRef(name=path.stem, version=ultralytics.__version__, sha256=_hash(path))
        self._work: queue.SimpleQueue[tuple[Picture, Done] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ultralytics", daemon=True)
        self._thread.start()

    @property
    def model(self) -> ModelRef:
        """What runs."""
        return self._ref

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the input, px."""
        return self._size

    @property
    def instructions(self) -> str:
        """Not told by Ultralytics."""
        return ""

    @property
    def lanes(self) -> int:
        """One: the predictor looks at one picture after the other."""
        return 1

    def submit(self, blob: Picture, done: Done) -> None:
        """See `Engine.submit`."""
        if self._closed:
            raise ModelError(f"{self._ref.name}: the engine was closed - open it again")
        self._work.put((blob.copy(), done))

    def close(self) -> None:
        """See `Engine.close`."""
        if not self._closed:
            self._closed = True
            self._work.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            blob, done = item
            try:
                seen: Detections | Exception = self._look(blob)
            except Exception as error:  # handed to who waits
                seen = ModelError(f"{self._path}: Ultralytics failed ({str(error)[:120]})")
            done(seen)

    def _look(self, blob: Picture) -> Detections:
        result = self._yolo.predict(
            blob,
            imgsz=self._size,
            conf=self._score,
            iou=IOU,
            device=self._device,
            verbose=False,
            rect=False,
            save=False,
        )[0].boxes
        classes = self._table[result.cls.cpu().numpy().astype(np.intp)]
        known = classes >= 0
        return settle(result.xyxy.cpu().numpy()[known], result.conf.cpu().numpy()[known], classes[known])


def _own_size(path: Path) -> tuple[int, int] | None:
    """The fixed input of an export folder, None for what takes any size."""
    if not path.is_dir() or not (path / "metadata.yaml").is_file():
        return None
    import yaml

    size = yaml.safe_load((path / "metadata.yaml").read_text(encoding="utf-8")).get("imgsz")
    return (int(size[0]), int(size[1])) if isinstance(size, list) else None


def _hash(path: Path) -> str:
    if path.is_file():
        return sha256_of(path)
    from edge.detect.package import read_package

    return read_package(path).sha256
