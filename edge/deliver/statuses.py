"""Camera states: workers write `<data_dir>/status/<camera_id>.json`, deliver publishes them when they change."""

import logging
from pathlib import Path

from pydantic import ValidationError

from contract.events import CameraStatus
from contract.topics import IDENTIFIER

log = logging.getLogger("sightline.deliver")

_MAX_BYTES = 16_384


class StatusBoard:
    """Looks at the folder and remembers what was published."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps: dict[str, tuple[int, int]] = {}
        self._published: dict[str, bytes] = {}

    def changed(self) -> list[tuple[str, bytes]]:
        """(camera id, payload) of every state that differs from what was published. A foreign file is told once."""
        found = []
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            status = self._look(path)
            if status is not None and self._published.get(status[0]) != status[1]:
                found.append(status)
        return found

    def published(self, camera_id: str, raw: bytes) -> None:
        """The broker has it."""
        self._published[camera_id] = raw

    def forget(self) -> None:
        """A new connection: everything is to be published again, in case the broker kept nothing."""
        self._published.clear()
        self._stamps.clear()

    def _look(self, path: Path) -> tuple[str, bytes] | None:
        try:
            facts = path.stat()
            stamp = (facts.st_mtime_ns, facts.st_ino)
            if self._stamps.get(path.name) == stamp and path.stem in self._published:
                return None
            known = self._stamps.get(path.name) == stamp
            self._stamps[path.name] = stamp
            raw = path.read_bytes()[:_MAX_BYTES]
            status = CameraStatus.model_validate_json(raw)
        except OSError:
            return None
        except ValidationError:
            if not known:
                log.warning("%s: is not a camera status - not published", path)
            return None
        if status.camera_id != path.stem or not IDENTIFIER.fullmatch(status.camera_id):
            return None
        return status.camera_id, status.model_dump_json().encode()
