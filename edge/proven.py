"""What the stays before one camera have proved, on disk, so that a restarted box resumes that and no more.

Written every few seconds while something stands, never before the event that it presupposes is safe in the spool:
a crash in between repeats the event under the same case key, which central takes once.
"""

import json
import logging
import time
from pathlib import Path
from typing import Any

from edge.deliver.durable import write_durable

log = logging.getLogger("sightline.camera")
#: How much of a wait a crash may cost, and as much more as its stills take to be on disk. Seconds.
EVERY_S = 2.0


class ProvenFile:
    """One camera's file. A disk that refuses costs the memory of a restart, never the camera."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self._path = path
        self._written = b""
        self._next = 0.0
        self._refused = False

    def read(self) -> dict[str, Any] | None:
        """What an earlier run left, None when there is nothing that can be read."""
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s: cannot be read (%s), waits begin anew", self._path, error)
            return None
        return found if isinstance(found, dict) else None

    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() >= self._next

    def write(self, proven: dict[str, Any] | None) -> None:
        """Replace what is there, when it differs."""
        self._next = time.monotonic() + EVERY_S
        if proven is None:
            return
        raw = json.dumps(proven, separators=(",", ":")).encode()
        if raw == self._written:
            return
        try:
            write_durable(self._path, raw)
        except OSError as error:
            if not self._refused:
                log.warning("%s: cannot be written (%s) - free space on the disk", self._path, error.strerror)
            self._refused = True
            return
        self._written, self._refused = raw, False


__all__ = ["ProvenFile"]
