"""Opening a detector: the one place that knows which backends there are.

Imports of a backend happen when it is asked for, so the default never loads torch.
"""

from pathlib import Path

from contract.errors import ModelError
from edge.detect.engine import Engine, PictureDetector
from edge.detect.protocol import Detector

BACKENDS = ("openvino", "ultralytics")


def open_engine(package: Path | None, backend: str = "openvino", threads: int = 0, lanes: int = 1) -> Engine:
    """A network ready to run, its SHA-256 checked first.

    `package`: a folder that `sightline models prepare` made, a raw Ultralytics export, or for the Ultralytics backend
    any file it loads. `threads` 0 lets the backend choose. Raises ModelError naming the file and what to do.
    """
    if package is None:
        raise ModelError("no model package was given - run `sightline models prepare` or set detection.model")
    if backend == "openvino":
        from edge.detect.openvino import OpenVinoEngine

        return OpenVinoEngine(package, threads=threads, lanes=lanes)
    if backend == "ultralytics":
        from edge.detect.ultralytics import UltralyticsEngine

        return UltralyticsEngine(package)
    raise ModelError(f"detection backend {backend!r} is not known - use one of {', '.join(BACKENDS)}")


def open_detector(package: Path | None, backend: str = "openvino", threads: int = 0) -> Detector:
    """A Detector in this process; see `open_engine` for what `package` may be and what is raised."""
    return PictureDetector(open_engine(package, backend, threads))
