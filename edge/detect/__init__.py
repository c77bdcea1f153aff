"""Finding people and vehicles in pictures: one protocol, two backends, one service for all cameras of a box."""

import sys

# OpenVINO and NNCF report their use to Google Analytics through this package unless it cannot be imported. A box at
# the roadside reports to nobody but its central, and nothing may be written to the home of who runs it.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
