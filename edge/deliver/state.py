"""What deliver says of itself in `<data_dir>/outbox/state.json`, for `/healthz`, `/metrics` and `edge outbox`."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.events import now as clock
from contract.events import rfc3339
from edge.deliver.durable import write_whole

_EVERY_S = 1.0


class StateFile:
    """Written when something changed, at most once a second; gone while it would not be true."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "outbox" / "state.json"
        #: What was written last.
        self.last: Mapping[str, Any] = {}
        self._told = 0.0

    def due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._told >= _EVERY_S

    def write(self, state: Mapping[str, Any]) -> None:
        """Keep the file true. Raises OSError when the disk refuses."""
        if state != self.last:
            write_whole(self.path, json.dumps({"at": rfc3339(clock()), **state}).encode("utf-8"))
            self.last = dict(state)
        self._told = time.monotonic()

    def forget(self) -> None:
        """What stands there is no longer true and cannot be put right: on a full disk a file can only be removed."""
        self.path.unlink(missing_ok=True)
        self.last = {}


def state_of(data_dir: Path) -> dict[str, Any]:
    """What deliver said last, empty when it says nothing."""
    try:
        said = json.loads(StateFile(data_dir).path.read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


__all__ = ["StateFile", "state_of"]
