"""Which detector, where it comes from, how it is exported and checked."""

import edge.detect  # noqa: F401  keeps OpenVINO's usage reports off, before anything here imports it
