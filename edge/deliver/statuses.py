"""States that others write and deliver publishes when they change: one a camera, and the box's disk.

Cameras' stand in `<data_dir>/status/<camera_id>.json`, the disk's in `<data_dir>/run/disk.json`.
"""

import logging
from pathlib import Path

from pydantic import ValidationError

from contract.states import CameraStatus, Disk
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
        return status.camera_id, status.model_dump_json(exclude_none=True).encode()


class DiskNote:
    """What a recorder says of the room for recordings."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = (0, 0)
        self._published: Disk | None = None

    def changed(self) -> Disk | None:
        """What differs from what was published; None for nothing new, or what cannot be read, which is told once."""
        try:
            facts = self._path.stat()
            stamp = (facts.st_mtime_ns, facts.st_ino)
            if self._stamp == stamp:
                return None
            raw = self._path.read_bytes()[:_MAX_BYTES]
            disk = Disk.model_validate_json(raw)
        except OSError:
            return None
        except ValidationError:
            self._stamp = stamp
            log.warning("%s: is no word of a disk - not published", self._path)
            return None
        if disk == self._published:
            self._stamp = stamp
            return None
        return disk

    def published(self, disk: Disk) -> None:
        """The broker has it."""
        self._published = disk

    def forget(self) -> None:
        """A new connection: the state that was published at its begin says nothing of the disk."""
        self._published, self._stamp = None, (0, 0)


__all__ = ["DiskNote", "StatusBoard"]
