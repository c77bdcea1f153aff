"""Let Ultralytics run where torchvision does not import.

With torch built for the CPU alone, torchvision's compiled part may not load (`operator torchvision::nms does not
exist`). Ultralytics needs torchvision for nothing but non-maximum suppression, and has its own (`TorchNMS`). When, and
only when, the real one does not import, a module with that one function takes its place.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def ensure_torchvision() -> bool:
    """Import torchvision, or stand in for it. True when the real one works."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, AttributeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _register()
        return False
    return True


def _nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """As `torchvision.ops.nms`: indices kept, best first."""
    from ultralytics.utils.nms import TorchNMS

    return TorchNMS.nms(boxes, scores, iou_threshold)


def _register() -> None:
    package, ops = ModuleType("torchvision"), ModuleType("torchvision.ops")
    for module in (package, ops):
        module.__spec__ = ModuleSpec(module.__name__, None, is_package=module is package)
    package.__path__ = []
    package.__version__ = "0.28.0"  # type: ignore[attr-defined]
    ops.nms = _nms  # type: ignore[attr-defined]
    package.ops = ops  # type: ignore[attr-defined]
    sys.modules["torchvision"], sys.modules["torchvision.ops"] = package, ops
