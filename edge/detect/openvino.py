"""The default backend: OpenVINO, no torch. All arithmetic on pixels is part of the compiled graph.

`PrePostProcessor` turns u8 NHWC BGR into what the network was trained on; the CPU plugin does it vectorised, which is
cheaper than NumPy by an order.
"""

import threading
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import properties
from openvino.preprocess import ColorFormat, PrePostProcessor

from contract.errors import ModelError
from contract.events import ModelRef
from edge.detect.boxes import class_table, read_head
from edge.detect.engine import Done
from edge.detect.package import Manifest, read_package
from edge.detect.protocol import Picture
from edge.frames import Detections

#: Of ImageNet, BGR, 0..255, as NanoDet was trained.
NANODET_MEAN = [103.53, 116.28, 123.675]
NANODET_STD = [57.375, 57.12, 58.395]


class OpenVinoEngine:
    """A package compiled for this machine's CPU. Raises ModelError when its hash or format does not hold."""

    def __init__(self, folder: Path, threads: int = 0, lanes: int = 1) -> None:
        """`lanes` pictures run side by side and share `threads` (0: one a lane, or all cores for a single lane)."""
        self._manifest = read_package(folder)
        self._table = class_table(self._manifest.classes)
        if (self._table < 0).all():
            raise ModelError(f"{folder}: its classes hold none of person, bicycle, car... - use a COCO detector")
        compiled = _compile(folder / self._manifest.network, self._manifest, threads, lanes)
        self._instructions = _instructions(compiled)
        self._queue = ov.AsyncInferQueue(compiled, lanes)
        self._queue.set_callback(partial(_finished, self._manifest, self._table))
        self._lock = threading.Lock()
        # A callback that is still on its way back when the interpreter ends aborts the process: also an engine that
        # nobody closed waits for its last one.
        self._end = weakref.finalize(self, self._queue.wait_all)

    @property
    def model(self) -> ModelRef:
        """What runs."""
        return self._manifest.ref

    @property
    def manifest(self) -> Manifest:
        """All that the package says of itself."""
        return self._manifest

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the input, px."""
        return self._manifest.input

    @property
    def instructions(self) -> str:
        """See `Engine.instructions`."""
        return self._instructions

    @property
    def lanes(self) -> int:
        """How many pictures run at once."""
        return len(self._queue)

    def submit(self, blob: Picture, done: Done) -> None:
        """See `Engine.submit`."""
        with self._lock:
            if not self._end.alive:
                raise ModelError(f"{self._manifest.name}: the engine was closed - open it again")
            self._queue.start_async({0: ov.Tensor(np.ascontiguousarray(blob[None]))}, done)

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            self._end()


def _finished(manifest: Manifest, table: NDArray[np.int8], request: Any, done: Done) -> None:
    """In OpenVINO's own thread: read the boxes and hand them to who waits, or what went wrong (it would be lost)."""
    try:
        raw = request.get_output_tensor(0).data
        seen: Detections | Exception = read_head(raw, table, manifest.score, manifest.iou)
    except Exception as error:
        seen = ModelError(f"{manifest.name}: its output cannot be read ({error}) - prepare the package anew")
    done(seen)


def _compile(path: Path, manifest: Manifest, threads: int, lanes: int) -> Any:
    hint = properties.hint
    # One stream a lane. The box has other work for its cores: a thread bound to one would wait behind it.
    settings: dict[Any, Any] = {properties.num_streams: lanes, hint.enable_cpu_pinning: False}
    if not _has_amx():
        # bf16 emulated on AVX-512 costs accuracy and wins nothing.
        settings[hint.inference_precision] = ov.Type.f32
    if threads or lanes > 1:
        settings[properties.inference_num_threads] = max(threads, lanes)
    try:
        core = ov.Core()
        network = core.read_model(path)
        return core.compile_model(_with_pixels(network, manifest), "CPU", settings)
    except RuntimeError as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
        raise ModelError(
            f"{path}: OpenVINO cannot run it ({first.strip()[:120]}) - prepare the package anew"
        ) from error


def _with_pixels(network: Any, manifest: Manifest) -> Any:
    """The network with u8 NHWC BGR (1, h, w, 3) as its input."""
    if network.input().partial_shape.is_dynamic:
        network.reshape([1, 3, *manifest.input])
    shape = list(network.input().shape)
    if shape != [1, 3, *manifest.input]:
        raise ModelError(f"{manifest.name}: input is {shape}, the manifest says {manifest.input} - prepare it anew")
    steps = PrePostProcessor(network)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_color_format(ColorFormat.BGR)
    steps.input().model().set_layout(ov.Layout("NCHW"))
    pixels = steps.input().preprocess().convert_element_type(ov.Type.f32)
    if manifest.kind == "nanodet":
        pixels.mean(NANODET_MEAN).scale(NANODET_STD)
    else:
        pixels.convert_color(ColorFormat.RGB).scale([255.0, 255.0, 255.0])
    return steps.build()


def _instructions(compiled: Any) -> str:
    """The newest instructions among the convolutions' kernels, as OpenVINO names them (`brgconv_avx512_I8`)."""
    names = {
        info["primitiveType"].astype(str)
        for info in (op.get_rt_info() for op in compiled.get_runtime_model().get_ordered_ops())
        if "primitiveType" in info and info["layerType"].astype(str).endswith("Convolution")
    }
    known = ("amx", "avx512", "avx2", "avx", "sse")
    return next((one for one in known if any(one in name for name in names)), "")


def _has_amx() -> bool:
    try:
        return "amx_tile" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
